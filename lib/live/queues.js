// What the queues of a WaveNet hold while it writes a name, and how many multiplications they save.
import { announcer, button, choice, clamp, counted, drawing, frame, letterClass, make, picture, sum, text, textField } from "./figure.js";

const STACKS = { "1, 2, 4": [1, 2, 4], "1, 2, 4, 8": [1, 2, 4, 8] };
const LONGEST_NAME = 12;
const GAP = 38, LEFT = 68, ROW = 64, TOP = 22; // pixels
const PACE = 1200; // milliseconds per letter

/** What goes into the net while it writes a name: the stop mark, then the letters. */
export function tokensOf(word) {
    const letters = [...word.normalize("NFC").toLowerCase()].filter((character) => /\p{L}/u.test(character));
    return [".", ...letters.slice(0, LONGEST_NAME)];
}

/** The token of a time step; before the first one there were stop marks only. */
export function tokenAt(tokens, time) {
    return time < 0 ? "." : tokens[time];
}

/** For each layer the time steps of the inputs in its queue when that of `time` comes in; the first is read and leaves. */
export function queuesAt(time, dilations) {
    return dilations.map((dilation) => Array.from({ length: dilation }, (_, i) => time - dilation + i));
}

/** How many outputs each layer computes for one letter without queues, the lowest layer first. */
export function columns(dilations) {
    let length = 1 + sum(dilations);
    return dilations.map((dilation) => (length -= dilation));
}

/** Multiplications per letter of a WaveNet with two taps: with queues, and with the whole window computed anew. */
export function multiplications(dilations, channels = 63, characters = 27) {
    const last = dilations.length - 1;
    const skipsAndHead = (dilations.length + 1) * channels ** 2 + channels * characters;
    const column = (layer) => (2 * channels) ** 2 + (layer < last ? channels ** 2 : 0); // the last has no residual path
    const total = (counts) => skipsAndHead + sum(counts.map((count, layer) => count * column(layer)));
    return { queues: total(dilations.map(() => 1)), naive: total(columns(dilations)) };
}

const spoken = (token) => (token === "." ? "the stop mark" : token);

/** One sentence on the time step. */
export function saysOf(tokens, time, dilations) {
    const reads = dilations.map((dilation, layer) =>
        `${layer ? "layer" : "Layer"} ${layer + 1} reads ${spoken(tokenAt(tokens, time - dilation))}, ${counted(dilation, "step")} old`);
    return `Step ${time + 1} of ${tokens.length}: ${spoken(tokens[time])} goes in. ${reads.join("; ")}. What was read leaves.`;
}

function box(x, y, size, token) {
    const look = { class: letterClass(token), stroke: "var(--edge)", rx: 3 };
    const letter = { "text-anchor": "middle", style: "fill:#111;font-family:monospace;font-weight:600", "font-size": 16 };
    return make("g", {},
        make("rect", { x: x + 1, y: y + 1, width: size - 2, height: size - 2, ...look }),
        text(x + size / 2, y + size / 2 + 5, token, letter));
}

function arrow(fromX, fromY, toX, toY) {
    const [back, side] = fromY === toY ? [Math.sign(toX - fromX) * 6, 0] : [0, Math.sign(toY - fromY) * 6];
    const line = { fill: "none", stroke: "var(--ink)", "stroke-width": 1.5 };
    const head = fromY === toY ? `m${-back},-4l${back},4l${-back},4` : `m-4,${-side}l4,${side}l4,${-side}`;
    return make("path", { d: `M${fromX},${fromY}L${toX},${toY}${head}`, ...line });
}

function drawQueues(tokens, time, dilations) {
    const longest = Math.max(...dilations), size = longest > 4 ? 25 : 34;
    const left = (age) => LEFT + (longest - age) * size, now = left(0) + GAP;
    const [width, height] = [now + size + 2, TOP + dilations.length * ROW];
    const svg = drawing(width, height, saysOf(tokens, time, dilations));
    const middle = { "text-anchor": "middle" }, end = { "text-anchor": "end" };
    svg.append(text(0, 12, "steps ago"), text(now + size / 2, 12, "now", middle));
    for (let age = longest; age > 0; age--) svg.append(text(left(age) + size / 2, 12, `${age}`, middle));
    queuesAt(time, dilations).forEach((kept, layer) => {
        const centre = TOP + (dilations.length - layer - 0.37) * ROW, y = centre - size / 2, start = left(kept.length);
        const dashed = { fill: "none", stroke: "var(--ink)", "stroke-width": 2, "stroke-dasharray": "5 3", rx: 5 };
        svg.append(
            text(0, centre - 25, `layer ${layer + 1}, dilation ${kept.length}`),
            ...kept.map((step, i) => box(start + i * size, y, size, tokenAt(tokens, step))),
            make("rect", { x: start - 2, y: y - 2, width: size + 4, height: size + 4, ...dashed }),
            arrow(start - 5, centre, start - 22, centre),
            text(start - 25, centre - 2, "read,", end), text(start - 25, centre + 12, "leaves", end),
            box(now, y, size, tokens[time]),
            arrow(now - 4, centre, now - GAP + 4, centre), text(now - GAP / 2, centre - 7, "in", middle));
        if (layer) svg.append(arrow(now + size / 2, y + ROW - 3, now + size / 2, y + size + 3)); // from the layer below
    });
    return svg;
}

function drawWord(tokens, time) {
    const chips = [...tokens, "."].map((token, i) => {
        const state = i < time ? "" : i === time ? " live-now" : " live-later";
        return make("span", { class: `live-letter${state}${i > time ? "" : ` ${letterClass(token)}`}` }, token);
    });
    return make("p", { class: "live-written", "aria-hidden": "true" }, ...chips);
}

function drawCosts(tokens, time, dilations) {
    const each = multiplications(dilations), most = each.naive * tokens.length;
    const row = ([name, cost, colour]) => make("div", {},
        make("div", {}, `${name}: ${(cost * (time + 1)).toLocaleString("en")}`),
        make("div", { class: "live-cost", style: `background:${colour};width:${(100 * cost * (time + 1)) / most}%` }));
    const rows = [["with queues", each.queues, "var(--blue)"], [`${1 + sum(dilations)} tokens anew each time`, each.naive, "var(--red)"]];
    const ratio = `${(each.naive / each.queues).toFixed(1)} times as many without queues.`;
    const counted = make("div", { class: "live-note" }, "63 channels, 27 characters. Filling the queues before the first letter is not counted.");
    return [make("strong", {}, "Multiplications so far"), ...rows.map(row), make("div", {}, ratio), counted];
}

/** The figure. `data` may give the word, the dilations as "1, 2, 4", and the step to begin with. */
export function mount(element, data = {}) {
    let tokens = tokensOf(data.word ?? "charlie"), stack = data.dilations in STACKS ? data.dilations : "1, 2, 4";
    let time = Math.min(data.step ?? 0, tokens.length - 1), clock;
    const word = make("div"), costs = make("div", { class: "live-costs" }), says = announcer();

    function draw() {
        const dilations = STACKS[stack];
        word.replaceChildren(drawWord(tokens, time));
        kept.replaceChildren(drawQueues(tokens, time, dilations));
        costs.replaceChildren(...drawCosts(tokens, time, dilations));
        says.say(saysOf(tokens, time, dilations));
        back.setAttribute("aria-disabled", time === 0);
        step.setAttribute("aria-disabled", time === tokens.length - 1);
    }
    function go(to) {
        time = clamp(to, 0, tokens.length - 1);
        draw();
    }
    function pause() {
        clearInterval(clock);
        clock = undefined;
        play.textContent = "Play";
    }
    function toggle() {
        if (clock) return pause();
        if (time === tokens.length - 1) go(0);
        play.textContent = "Pause";
        clock = setInterval(() => {
            if (element.isConnected) go(time + 1);
            if (!element.isConnected || time === tokens.length - 1) pause();
        }, PACE);
    }
    const by = (steps) => () => { pause(); go(time + steps); };
    const back = button("Back", by(-1)), step = button("Step", by(1)), play = button("Play", toggle);
    const kept = picture("Queues; left and right step", { ArrowLeft: by(-1), ArrowRight: by(1) });
    const name = textField("Name", tokens.slice(1).join(""), (value) => {
        pause();
        tokens = tokensOf(value);
        go(time);
    }, { maxlength: LONGEST_NAME });
    const dilations = choice("Dilations", Object.keys(STACKS), stack, (key) => { stack = key; draw(); });
    const buttons = make("div", { class: "live-field" }, back, step, play);
    const note = make("p", { class: "live-note" }, "A box is one input of its layer, named after its last letter.");
    const side = make("div", { class: "live-beside" }, kept, costs);
    frame(element, "The queues of a WaveNet that writes a name", [name, buttons, dilations], make("div", {}, word, note, side), says);
    draw();
}
