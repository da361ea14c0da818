// The ladder of lesson 02: which letters meet at which stage, and the shape of each row.
import { announcer, choice, clamp, frame, letterClass, make, pointable, textField } from "./figure.js";

const CONTEXT = 8;
const CHANNELS = 10;
const STAGES = ["2 · 2 · 2", "4 · 2", "2 · 4", "8"];
const NAMES = { 1: "Letter", 2: "Pair", 4: "Quad" };

/** The last eight letters of a word, behind stop marks if it has fewer. */
export function lastLetters(word) {
    const letters = [...word.toLowerCase()].slice(-CONTEXT);
    return [...Array(CONTEXT - letters.length).fill("."), ...letters];
}

/** The rows from the letters up; each has its shape, the size of a box in letters, and what its boxes hold. */
export function ladderRows(letters, stages) {
    let size = 1;
    return [1, ...stages].map((n) => {
        size *= n;
        const boxes = Array.from({ length: letters.length / size }, (_, i) => letters.slice(i * size, (i + 1) * size));
        const shape = ["B", ...(boxes.length > 1 ? [boxes.length] : []), CHANNELS * size];
        return { shape: `(${shape.join(", ")})`, size, boxes };
    });
}

/** What a box is and holds, and the shape of its row. */
export function describeBox({ shape, size, boxes }, box) {
    const name = boxes.length > 1 ? `${NAMES[size]} ${box + 1} of ${boxes.length}` : "All eight";
    return `${name}: ${boxes[box].join(" ")}, ${CHANNELS * size} numbers. The shape of its row is ${shape}.`;
}

const CELL = 26; // the room of a letter's box; all in units of the picture
const GAP = 6; // between boxes
const HEIGHT = 28; // of a box
const INSET = 2.5; // of its colours, so that its frame is seen beside white ones, too
const TOP = 3; // above the highest row, for its frame
const BOTTOM = TOP + 3 * 62; // of the row of letters, from above

/** Where a box is. */
function place(row, box) {
    return { x: box * row.size * CELL + GAP / 2, y: row.y, width: row.size * CELL - GAP };
}

function drawBox(row, box, above) {
    const { x, y, width } = place(row, box);
    const cell = (width - 2 * INSET) / row.size;
    const group = make("g", {});
    for (const [i, letter] of row.boxes[box].entries()) {
        const left = x + INSET + i * cell;
        const size = { x: left, y: y + INSET, width: cell, height: HEIGHT - 2 * INSET };
        group.append(
            make("rect", { class: letterClass(letter), ...size }),
            make("text", { class: "live-on-colour", x: left + cell / 2, y: y + 19 }, letter),
        );
    }
    group.append(make("rect", { class: "live-box", x, y, width, height: HEIGHT, rx: 3 }));
    if (above) {
        const n = above.size / row.size;
        const target = place(above, Math.floor(box / n));
        const tip = [target.x + (target.width * ((box % n) + 0.5)) / n, above.y + HEIGHT + 4];
        const d = `M${x + width / 2} ${y - 3}L${tip}m-3.5 6L${tip}l3.5 6`;
        group.append(make("path", { class: "live-arrow", d }));
    }
    return group;
}

export function mount(element, data = {}) {
    let word = data.word ?? "charlie";
    let stages = STAGES.includes(data.stages) ? data.stages : STAGES[0];
    let rows, groups, at;
    const says = announcer();
    const svg = make("svg", { class: "live-ladder", viewBox: `0 0 292 ${BOTTOM + HEIGHT + 3}` });

    function draw() {
        rows = ladderRows(lastLetters(word), stages.split(" · ").map(Number));
        const rise = (BOTTOM - TOP) / (rows.length - 1);
        for (const [i, row] of rows.entries()) row.y = BOTTOM - i * rise;
        groups = rows.map((row, i) => row.boxes.map((_, box) => drawBox(row, box, rows[i + 1])));
        const shapes = rows.map((row) => make("text", { class: "live-shape", x: 214, y: row.y + 18 }, row.shape));
        const merges = rows.slice(1).map((row, i) =>
            make("text", { x: 214, y: row.y + (rise + HEIGHT) / 2 + 4 }, `n = ${row.size / rows[i].size}`),
        );
        const lines = groups.map((boxes, i) => make("g", {}, ...boxes, shapes[i]));
        svg.replaceChildren(make("rect", { class: "live-beam" }), ...lines, ...merges);
    }

    /** Frames a box and all that it holds below. */
    function select(row, box) {
        at = [row, box];
        const { size } = rows[row];
        const { x, y, width } = place(rows[row], box);
        const beam = { x: x - 1, y, width: width + 2, height: BOTTOM - y };
        for (const [name, value] of Object.entries(beam)) svg.firstChild.setAttribute(name, value);
        for (const [i, boxes] of groups.entries()) {
            boxes[0].parentNode.classList.toggle("live-row", i === row);
            for (const [j, group] of boxes.entries()) {
                const inside = Math.floor((j * rows[i].size) / size) === box;
                group.classList.toggle("live-lit", i <= row && inside);
                group.classList.toggle("live-top", i === row && inside);
            }
        }
        says.say(describeBox(rows[row], box));
    }

    function point(x, y) {
        const rise = (BOTTOM - TOP) / (rows.length - 1);
        const row = clamp(Math.round((BOTTOM + HEIGHT / 2 - y) / rise), 0, rows.length - 1);
        const box = clamp(Math.floor(x / (rows[row].size * CELL)), 0, rows[row].boxes.length - 1);
        if (row !== at[0] || box !== at[1]) select(row, box);
    }

    /** To another row, the box above or the first of those below; or along a row. */
    function move(up, right) {
        const row = clamp(at[0] + up, 0, rows.length - 1);
        const box = Math.floor((at[1] * rows[at[0]].size) / rows[row].size) + right;
        select(row, clamp(box, 0, rows[row].boxes.length - 1));
    }

    function change() {
        draw();
        select(Math.max(1, rows.length - 2), 0);
    }

    const keys = {
        ArrowUp: () => move(1, 0), ArrowDown: () => move(-1, 0), ArrowLeft: () => move(0, -1),
        ArrowRight: () => move(0, 1), Home: () => move(0, -CONTEXT), End: () => move(0, CONTEXT),
    };
    const controls = [
        textField("Word", word, (text) => { word = text; draw(); select(...at); }),
        choice("Stages", STAGES, stages, (text) => { stages = text; change(); }),
    ];
    change();
    frame(element, "The ladder", controls, pointable("Boxes of the ladder; arrow keys move", svg, says, point, keys), says);
}
