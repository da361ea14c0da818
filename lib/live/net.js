// The trained net in the page: what comes next, names from a seed, how likely a name is.
import { announcer, button, clamp, counted, frame, make, slider, sum, textField } from "./figure.js";
import { load, nameProbabilities, nextProbabilities, sample, unknownLetters } from "./staged.js";

const WRITTEN = 12, SHORT = 40, LEAST = 24; // names at a press; characters in a field; pixels of a bar

/** A probability in percent, for a label. */
export function percent(p) {
    if (p > 0 && p < 0.001) return "<0.1";
    return p > 0 && p < 0.00995 ? (100 * p).toFixed(1) : (100 * p).toFixed(0);
}

/** A log-probability in nats as "1 in 13,000", to two digits. */
export function oneIn(logProb) {
    const tens = -logProb / Math.LN10, power = Math.floor(tens);
    if (power < 12) return `1 in ${Number(Math.exp(-logProb).toPrecision(2)).toLocaleString("en")}`;
    const raised = [...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
    return `1 in ${(10 ** (tens - power)).toFixed(1)} × 10${raised}`;
}

/** A text as the net could have learned it: composed, without white space around it, in lower case where it must be. */
export function spelled(net, text) {
    return Array.from(text.trim().normalize("NFC"), (letter) => net.ids.has(letter) ? letter : letter.toLowerCase()).join("");
}

/** Which letters the net lacks, and which it knows. */
export function lacking(net, unknown) {
    const letters = net.characters.slice(1), some = letters.slice(0, 60).join(" ");
    return `The net has not learned ${unknown.map((letter) => `“${letter}”`).join(", ")}. ` +
        `It knows ${some}${letters.length > 60 ? " …" : ""}.`;
}

const label = (letter) => ({ ".": "end", " ": "␣" })[letter] ?? letter;
const quoted = (text) => `“${text}”`;
const likeliest = (net, probs) => [...probs.keys()].sort((a, b) => probs[b] - probs[a]).slice(0, 3)
    .filter((id) => probs[id] > 0).map((id) => `${label(net.characters[id])} ${percent(probs[id])}\u00a0%`).join(", ");

/** A bar above a letter; `set` moves it and the pale bar behind it to shares of the full height. A narrow one says whole percents only. */
function bar(letter, tag, properties) {
    const own = make("i", { class: "live-own" }), front = make("i"), number = make("span");
    const element = make(tag, { class: "live-bar", ...properties }, make("span", {}, label(letter)), " ", make("span", { class: "live-column" }, own, front, number));
    const set = (p, share, ownShare = 0) => {
        front.style.height = `${100 * share}%`;
        own.style.height = `${100 * ownShare}%`;
        number.style.bottom = `${100 * share}%`;
        number.textContent = tag === "span" ? percent(p) : p < 0.01 ? "" : Math.round(100 * p);
        if (tag === "button") element.setAttribute("aria-label", `${label(letter)} ${percent(p)} percent`);
    };
    return { element, set };
}

/** The bars of all characters, in rows of equal length; one tab stop, arrow keys move, a press takes a letter. */
function chart(characters, take) {
    const bars = characters.map((letter, id) => bar(letter, "button", { type: "button", tabindex: id ? -1 : 0, onclick: () => take(letter) }));
    const buttons = bars.map(({ element }) => element);
    const element = make("div", { class: "live-bars", role: "toolbar", "aria-label": "The next character. Arrow keys move, Enter writes it." }, ...buttons);
    const focus = (id) => {
        for (const [other, button] of buttons.entries()) button.tabIndex = other === id ? 0 : -1;
        buttons[id].focus();
    };
    element.addEventListener("focusin", (event) => buttons.includes(event.target) && event.target.tabIndex && focus(buttons.indexOf(event.target)));
    let perRow = characters.length;
    element.addEventListener("keydown", (event) => {
        const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow, Home: -Infinity, End: Infinity };
        if (!(event.key in steps)) return;
        event.preventDefault();
        focus(clamp(buttons.indexOf(event.target) + steps[event.key], 0, buttons.length - 1));
    });
    new ResizeObserver(([entry]) => requestAnimationFrame(() => {
        const rows = Math.ceil(LEAST * characters.length / Math.max(entry.contentRect.width, LEAST));
        perRow = Math.ceil(characters.length / rows);
        element.style.gridTemplateColumns = `repeat(${perRow}, minmax(0, 1fr))`;
    })).observe(element);
    const set = (probs, own) => {
        const top = Math.max(...probs, ...own);
        bars.forEach(({ set }, id) => set(probs[id], probs[id] / top, own[id] / top));
    };
    return { element, set };
}

const hint = (text) => make("p", { class: "live-hint" }, text);

/** A part below the first one. */
const part = (controls, ...rest) => make("div", { class: "live-part" }, make("div", { class: "live-controls" }, ...controls), ...rest);

function build(element, net, data) {
    const V = net.characters.length;
    const known = (text) => [...text].filter((letter) => !unknownLetters(net, letter).length).join("");
    const state = { start: data.start ?? known("charli"), temperature: data.temperature ?? 1, topK: data.topK ?? V, seed: data.seed ?? 1 };

    const says = announcer();
    const begin = textField("A name begins with", state.start, (text) => { state.start = text; next(); }, { maxlength: SHORT });
    const field = begin.querySelector("input");
    const picture = chart(net.characters, (letter) => {
        const start = known(spelled(net, state.start));
        if (letter === ".") return says.say(start ? `Here the name ends: ${quoted(start)}.` : "A name needs a letter.");
        if (start.length < SHORT) field.value = state.start = start + letter;
        next();
    });
    const key = make("p", { class: "live-key" }, make("i"), "with these settings ", make("i", { class: "live-own" }), "the net’s own");

    function next() {
        const typed = spelled(net, state.start), unknown = unknownLetters(net, typed), start = known(typed);
        const own = nextProbabilities(net, start), probs = nextProbabilities(net, start, state.temperature, state.topK);
        picture.set(probs, own);
        const changed = state.temperature !== 1 || state.topK < V;
        element.classList.toggle("live-changed", changed);
        field.setAttribute("aria-invalid", unknown.length > 0);
        const length = [...start].length;
        says.say([
            unknown.length ? lacking(net, unknown) : "",
            `${start ? `After ${quoted(start)}` : "A name begins with"}: ${likeliest(net, probs)}.`,
            changed ? `The net’s own: ${likeliest(net, own)}.` : "",
            length > net.context ? `The net sees the last ${net.context} characters, ${quoted([...start].slice(-net.context).join(""))}.` : "",
        ].filter(Boolean).join(" "));
    }

    const list = make("ul", { class: "live-names" }), heading = make("p");
    const seed = textField("Seed", state.seed, (text) => { state.seed = Number(text) >>> 0; }, { type: "number", min: 0, max: 2 ** 32 - 1, step: 1 });
    let before = "";
    function write() {
        const settings = { start: known(spelled(net, state.start)), temperature: state.temperature, topK: state.topK };
        if (before === JSON.stringify([settings, state.seed])) { // these names stand there: the next ones
            state.seed = (state.seed + 1) >>> 0;
        }
        seed.querySelector("input").value = state.seed;
        before = JSON.stringify([settings, state.seed]);
        const names = sample(net, WRITTEN, { ...settings, seed: state.seed });
        const different = new Set(names).size;
        list.replaceChildren(...names.map((name) => make("li", {},
            make("span", { class: "live-begun" }, settings.start), name.slice(settings.start.length) || (name ? "" : "(empty)"))));
        heading.textContent = `Seed ${state.seed}, temperature ${state.temperature}, ${state.topK < V ? `the ${state.topK} likeliest` : `all ${V}`} ` +
            `characters: ${counted(different, "different name")}.`;
    }

    const likely = make("div", { class: "live-name" }), verdict = announcer();
    function judge(text) {
        const name = spelled(net, text), unknown = unknownLetters(net, name), probs = name && !unknown.length ? nameProbabilities(net, name) : [];
        const letters = [...name, "."].slice(0, probs.length);
        const bars = letters.map((letter) => bar(letter, "span"));
        bars.forEach(({ set }, i) => set(probs[i], probs[i]));
        likely.replaceChildren(...bars.map(({ element }) => element));
        likely.setAttribute("role", "img");
        likely.setAttribute("aria-label", `Each character’s probability after those before it: ${letters.map((letter, i) => `${label(letter)} ${percent(probs[i])} %`).join(", ")}`);
        if (!probs.length) return verdict.say(unknown.length ? lacking(net, unknown) : "Type a name.");
        const logProb = sum(probs.map(Math.log));
        verdict.say(`Of the names that the net writes, ${oneIn(logProb)} is ${quoted(name)}: ${(-logProb / probs.length).toFixed(2)} nats per character, ` +
            `the end included. Blind guessing costs ${Math.log(V).toFixed(2)}.`);
    }

    frame(element, "The trained net", [
        begin,
        slider("Temperature", { min: 0, max: 3, step: 0.1, value: state.temperature }, (value) => { state.temperature = value; next(); }, (value) => value.toFixed(1)),
        slider("Top-k", { min: 1, max: V, value: state.topK }, (value) => { state.topK = value; next(); }, (value) => value < V ? String(value) : `all ${V}`),
    ], make("div", {}, hint("The probability of the next character, in percent. Press a letter to write it."), picture.element, key), says);
    const name = data.name ?? known("charlie");
    element.append(
        part([seed, button(`Write ${WRITTEN} names`, write)], make("div", { role: "status" }, heading, list)),
        part([textField("How likely is your name?", name, judge, { maxlength: SHORT })],
            hint("The probability of each character after those before it, in percent."), likely, verdict),
    );
    next();
    judge(name);
}

async function fetched(address) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address} gave ${response.status}`);
    return response.arrayBuffer();
}

/** Show the figure; data: weights (bytes), or else the folder of net.bin; start, temperature, topK, seed, name. */
export async function mount(element, data) {
    element.classList.add("live-figure");
    element.replaceChildren(make("p", { role: "status" }, "Loading the net, 0.3 MB …"));
    try {
        build(element, load(data.weights ?? await fetched(`${data.folder}net.bin`)), data);
    } catch (error) {
        element.replaceChildren(make("p", { role: "alert" }, `The net could not be loaded: ${error.message}. Reload the page to try again.`));
        throw error;
    }
}
