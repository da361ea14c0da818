// Which outputs of four small nets change when one token is moved: three look into the future.
import { announcer, choice, drawing, frame, letterClass, make, picture, slider, sum, text } from "./figure.js";

// One number per token, and per layer the weights of its three taps and its bias. leaks.py has the same.
export const TEXT = ".charlie";
export const VALUES = [-0.3, 0.9, -0.6, 0.4, 0.7, -0.8, 0.2, -0.5];
export const LAYERS = [
    { dilation: 1, taps: [0.8, -0.7, 0.9], bias: 0.1 },
    { dilation: 2, taps: [-0.7, 0.8, 0.9], bias: -0.2 },
];
const EPSILON = 1e-5; // of BatchNorm's variance

const inFront = (reach) => [reach, 0];
/** How many zeros a net puts before and behind the inputs of a layer with this reach. */
export const NETS = {
    causal: { title: "causal", note: "All zeros are in front.", pad: inFront },
    same: { title: "padding='same'", note: "Half of the zeros are behind.", pad: (reach) => [reach / 2, reach / 2] },
    short: {
        title: "one short", note: "Layer 1 has one zero in front and one behind.",
        pad: (reach) => (reach === 2 ? [1, 1] : [reach, 0]),
    },
    batchnorm: {
        title: "BatchNorm, train mode", note: "All zeros are in front; the mean runs over all 8 positions.", pad: inFront, norm: true,
    },
};

function convolve(x, { dilation, taps, bias }, [before, behind]) {
    const padded = [...Array(before).fill(0), ...x, ...Array(behind).fill(0)];
    return x.map((_, t) => taps.reduce((sum, weight, tap) => sum + weight * padded[t + tap * dilation], bias));
}

function normalize(x) {
    const mean = sum(x) / x.length, variance = sum(x.map((value) => (value - mean) ** 2)) / x.length;
    return x.map((value) => (value - mean) / Math.sqrt(variance + EPSILON));
}

/** The outputs of a net, one per token. */
export function outputsOf(net, values) {
    const { pad, norm } = NETS[net];
    let x = values;
    for (const layer of LAYERS) {
        const sums = convolve(x, layer, pad(layer.dilation * (layer.taps.length - 1)));
        x = (norm ? normalize(sums) : sums).map(Math.tanh);
    }
    return x;
}

/** The outputs before and after one token, counted from 0, is moved by a number, and the places of those that change. */
export function moveToken(net, token, shift) {
    const moved = VALUES.map((value, i) => (i === token ? value + shift : value));
    const [before, after] = [outputsOf(net, VALUES), outputsOf(net, moved)];
    return { before, after, changed: before.flatMap((value, i) => (value === after[i] ? [] : [i])) };
}

/** One sentence on what has changed. Tokens and outputs are counted from 1, as in the picture. */
export function saysOf(token, changed) {
    const name = `Token ${token + 1} (${TEXT[token]})`;
    if (!changed.length) return `${name} is not moved: no output changes.`;
    const early = changed.filter((i) => i < token).length;
    const verdict = early ? `${early} of them before it: the net sees the future` : "none before it";
    return `${name} moved: output${changed.length > 1 ? "s" : ""} ${changed.map((i) => i + 1).join(", ")} changed, ${verdict}.`;
}

const CELL = 38, WIDTH = TEXT.length * CELL + 2, HEIGHT = 346; // pixels, as what follows
const TOKENS = { zero: 78, scale: 19 }, LETTERS = 119, OUTPUTS = { zero: 232, scale: 46 }, GROUND = 174;

const centred = (x, y, words, colour = "var(--ink)", weight = 400) =>
    text(x + CELL / 2, y, words, { "text-anchor": "middle", "font-size": 11, style: `fill:${colour};font-weight:${weight}` });

/** Two bars side by side: hollow the value before, filled the value after. */
function bars(x, { zero, scale }, before, after, colour) {
    const bar = (left, value, look) => make("rect", {
        x: x + left, y: zero - Math.max(0, value) * scale, width: 11, height: Math.max(1, Math.abs(value) * scale), ...look,
    });
    return make("g", {},
        bar(7, before, { fill: "none", stroke: "var(--ink)" }),
        bar(20, after, { style: `fill:${colour}`, stroke: colour }));
}

function difference(change) {
    if (change === 0) return "0";
    const sign = change > 0 ? "+" : "−";
    return Math.abs(change) < 0.005 ? "tiny" : sign + Math.abs(change).toFixed(2);
}

function drawNet(net, token, shift, choose) {
    const { before, after, changed } = moveToken(net, token, shift), edge = 1 + token * CELL;
    const svg = drawing(WIDTH, HEIGHT, saysOf(token, changed));
    const line = { stroke: "var(--edge)", "stroke-width": 1 };
    svg.append(
        make("rect", { x: 1, y: GROUND, width: edge - 1, height: 2 * (OUTPUTS.zero - GROUND), style: "fill:var(--pale)" }),
        text(1, 12, "tokens: hollow before, filled after"),
        text(1, GROUND - 8, token ? `outputs; grey: those before token ${token + 1}` : "outputs"),
        make("line", { x1: edge, x2: edge, y1: GROUND, y2: HEIGHT - 1, ...line, "stroke-dasharray": "4 3" }),
        ...[TOKENS, OUTPUTS].map(({ zero }) => make("line", { x1: 1, x2: WIDTH - 1, y1: zero, y2: zero, ...line })));
    for (const [i, letter] of [...TEXT].entries()) {
        const x = 1 + i * CELL, chosen = i === token, moves = changed.includes(i), early = moves && i < token;
        const colour = early ? "var(--red)" : moves ? "var(--blue)" : "var(--edge)";
        const value = VALUES[i] + (chosen ? shift : 0);
        svg.append(
            centred(x, 34, `${i + 1}`),
            bars(x, TOKENS, VALUES[i], value, chosen ? "var(--ink)" : "var(--edge)"),
            make("rect", { class: letterClass(letter), x: x + 7, y: LETTERS, width: 24, height: 22, rx: 3, stroke: "var(--edge)" }),
            text(x + CELL / 2, LETTERS + 16, letter, { "text-anchor": "middle", style: "fill:#111;font:600 15px monospace" }),
            bars(x, OUTPUTS, before[i], after[i], colour),
            centred(x, 304, difference(after[i] - before[i]), colour === "var(--edge)" ? "var(--ink)" : colour),
            centred(x, 320, moves ? "≠" : "=", colour === "var(--edge)" ? "var(--ink)" : colour, 600),
            centred(x, 336, early ? "early" : "", "var(--red)", 600));
        if (chosen) {
            const ring = { fill: "none", stroke: "var(--ink)", "stroke-width": 2, rx: 5 };
            svg.append(make("rect", { x: x + 1, y: 20, width: CELL - 2, height: LETTERS + 9, ...ring }));
        }
        const touch = { fill: "transparent", style: "cursor:pointer", "data-token": i + 1, onclick: () => choose(i) };
        svg.append(make("rect", { x, y: 16, width: CELL, height: HEIGHT - 16, ...touch }));
    }
    return svg;
}

/** The figure. `data` may give the net, and the token, counted from 1, that is moved at first, and by how much. */
export function mount(element, data = {}) {
    let net = data.net in NETS ? data.net : "causal", token = (data.token ?? 6) - 1, shift = data.shift ?? 1;
    const keys = {
        ArrowLeft: () => set(tokenField, token), ArrowRight: () => set(tokenField, token + 2),
        ArrowDown: () => set(shiftField, shift - 0.1), ArrowUp: () => set(shiftField, shift + 0.1),
    };
    const nets = picture("Tokens and outputs; left and right choose a token, up and down move it", keys);
    const note = make("p", { class: "live-note" }), says = announcer();

    function draw() {
        note.textContent = NETS[net].note;
        nets.replaceChildren(drawNet(net, token, shift, (i) => set(tokenField, i + 1)));
        says.say(saysOf(token, moveToken(net, token, shift).changed));
    }
    function set(field, value) {
        const input = field.querySelector("input");
        input.value = value; // which keeps to the slider's limits
        input.dispatchEvent(new Event("input"));
    }
    const name = (place) => `${place} (${TEXT[place - 1]})`;
    const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(1);
    const netField = choice("Net", Object.entries(NETS).map(([key, { title }]) => [key, title]), net, (key) => { net = key; draw(); });
    const tokenField = slider("Token", { min: 1, max: TEXT.length, value: token + 1 }, (place) => { token = place - 1; draw(); }, name);
    const shiftField = slider("moved by", { min: -1, max: 1, step: 0.1, value: shift }, (by) => { shift = by; draw(); }, signed);
    frame(element, "Which outputs change when a token moves", [netField, tokenField, shiftField], make("div", {}, note, nets), says);
    draw();
}
