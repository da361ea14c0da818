// Who meets whom (lesson 07): the receptive field of an output of dilated causal convolutions, and the holes in it.
import { announcer, choice, clamp, counted, frame, make, pointable, sum } from "./figure.js";

const PRESETS = ["1, 2, 4", "4, 2, 1", "1, 1, 1", "2, 4, 8", "7"];
const DILATIONS = [1, 2, 4, 8, 16];
const OWN = "my own";

/** The time steps of each row, inputs first, that an output of the last row depends on. */
export function tapRows(kernel, dilations, output) {
    const rows = [[output]];
    for (const dilation of [...dilations].reverse()) {
        const taps = rows[0].flatMap((t) => Array.from({ length: kernel }, (_, i) => t - i * dilation));
        rows.unshift([...new Set(taps)].sort((a, b) => a - b));
    }
    return rows;
}

/** How long the receptive field is, how many inputs in it are seen, and the holes: the others, in time steps before the output. */
export function receptiveField(kernel, dilations) {
    const length = 1 + (kernel - 1) * sum(dilations);
    const seen = new Set(tapRows(kernel, dilations, 0)[0].map((t) => -t));
    return { length, seen: seen.size, holes: [...Array(length).keys()].filter((lag) => !seen.has(lag)) };
}

/** What an output sees, in words. */
export function describeField(kernel, dilations, output) {
    const { length, seen, holes } = receptiveField(kernel, dilations);
    const total = dilations.length > 1 ? `(${dilations.join(" + ")})` : dilations[0];
    return (
        `Receptive field R = 1 + (${kernel} − 1) · ${total} = ${length}. The output at time step ${output} can depend on ` +
        `time steps ${output - length + 1} to ${output}: ${seen} inputs seen, ${holes.length ? `${counted(holes.length, "hole")} (×)` : "no holes"}.`
    );
}

const RISE = 56; // from row to row, as in style.css; all in pixels
const OUTPUTS = 8;
const COLUMN = { least: 8.5, most: 30 };

const square = (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
const cross = (x, y, r) => `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;

export function mount(element, data = {}) {
    let kernel = data.kernel ?? 2;
    let dilations = [...(data.dilations ?? [1, 2, 4])];
    let length, columns, column, free, output;
    const says = announcer();
    const paths = {};
    for (const name of ["lines", "nodes", "dots", "lit-lines", "lit-nodes", "seen", "holes", "span"]) {
        paths[name] = make("path", { class: `live-tap-${name}` });
    }
    const label = make("text", { class: "live-tap-length" });
    const svg = make("svg", {}, ...Object.values(paths), label);
    const layers = make("div", { class: "live-layers" });

    const x = (t) => (t + 0.5) * column;
    const y = (row) => (dilations.length - row + 0.5) * RISE;
    const radius = () => Math.min(8, 0.36 * column);
    const trace = (name, parts) => paths[name].setAttribute("d", parts.join(""));
    const lines = (rows) => dilations.flatMap((dilation, i) => rows[i + 1].flatMap((t) =>
        Array.from({ length: kernel }, (_, tap) => `M${x(t)} ${y(i + 1)}L${x(t - tap * dilation)} ${y(i)}`)));

    /** The whole net, pale. */
    function draw() {
        length = receptiveField(kernel, dilations).length;
        columns = length + OUTPUTS - 1;
        free = picture.clientWidth || 400;
        column = clamp(Math.floor((10 * free) / columns) / 10, COLUMN.least, COLUMN.most);
        picture.style.touchAction = columns * column > free ? "auto" : "pan-y"; // a finger moves along the outputs
        const [width, height] = [columns * column, (dilations.length + 1) * RISE + 26];
        for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) svg.setAttribute(name, value);
        const all = [...Array(columns).keys()];
        const starts = [0];
        for (const dilation of dilations) starts.push(starts.at(-1) + (kernel - 1) * dilation);
        const rows = starts.map((start) => all.slice(start));
        const r = 0.7 * radius();
        trace("lines", lines(rows));
        trace("nodes", rows.flatMap((row, i) => row.map((t) => (i ? circle : square)(x(t), y(i), r))));
        trace("dots", starts.flatMap((start, i) => all.slice(0, start).map((t) => circle(x(t), y(i), 1))));
    }

    /** Lights what an output depends on. */
    function select(t) {
        output = clamp(t, length - 1, columns - 1);
        const rows = tapRows(kernel, dilations, output);
        const [inputs, ...others] = rows;
        const r = radius();
        const first = output - length + 1;
        const holes = receptiveField(kernel, dilations).holes.map((lag) => output - lag);
        trace("lit-lines", lines(rows));
        trace("lit-nodes", others.flatMap((row, i) => row.map((t) => circle(x(t), y(i + 1), r))));
        trace("seen", inputs.map((t) => square(x(t), y(0), r)));
        trace("holes", holes.map((t) => square(x(t), y(0), r) + cross(x(t), y(0), 0.6 * r)));
        trace("span", [`M${x(first) - r} ${y(0) + 16}v6H${x(output) + r}v-6`]);
        const middle = Math.max((x(first) + x(output)) / 2, x(output) - free / 2);
        label.textContent = `time steps ${first} to ${output}, R = ${length}`;
        const half = label.getComputedTextLength() / 2;
        label.setAttribute("x", clamp(middle, half, columns * column - half));
        label.setAttribute("y", y(0) + 38);
        says.say(describeField(kernel, dilations, output));
    }

    /** Scrolls a wide picture to the output. */
    function reveal() {
        const { clientWidth, scrollLeft } = picture;
        if (x(output) < scrollLeft || x(output) > scrollLeft + clientWidth) picture.scrollLeft = x(output) - clientWidth + 2 * column;
    }

    /** After a change of the net: draws it and selects its last output. */
    function change() {
        draw();
        select(columns - 1);
        reveal();
        const text = dilations.join(", ");
        presets.lastChild.value = PRESETS.includes(text) ? text : OWN;
    }

    /** After a change of the number of layers, too: a new control for each. */
    function rebuild() {
        count.lastChild.value = dilations.length;
        layers.replaceChildren(make("span", {}, "inputs"), ...dilations.map((dilation, i) => {
            const options = [...new Set([...DILATIONS, dilation])].sort((a, b) => a - b).map(String);
            return choice(`layer ${i + 1}, dilation`, options, String(dilation), (value) => {
                dilations[i] = Number(value);
                change();
            });
        }));
        change();
    }

    function resize(layer) {
        while (dilations.length > layer) dilations.pop();
        while (dilations.length < layer) dilations.push(DILATIONS.findLast((d) => d <= 2 * dilations.at(-1)));
        rebuild();
    }

    const step = (by) => () => { select(output + by); reveal(); };
    const keys = { ArrowLeft: step(-1), ArrowRight: step(1), Home: step(-OUTPUTS), End: step(OUTPUTS) };
    const point = (left) => {
        const t = clamp(Math.floor(left / column), length - 1, columns - 1);
        if (t !== output) select(t);
    };
    const picture = pointable("Outputs of the net; left and right arrow keys move", svg, says, point, keys);
    const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
    const presets = choice("Dilations", [...PRESETS, OWN], PRESETS[0], (text) => {
        if (text !== OWN) dilations = text.split(", ").map(Number);
        rebuild();
    });
    const count = choice("Layers", numbers(1, 5), "3", (value) => resize(Number(value)));
    const taps = choice("Kernel size", numbers(2, 4), String(kernel), (value) => { kernel = Number(value); change(); });
    frame(element, "Who meets whom", [taps, presets, count], make("div", { class: "live-net" }, layers, picture), says);
    rebuild();
    new ResizeObserver(() => { draw(); select(output); reveal(); }).observe(picture);
}
