// What all live figures are built from: elements, controls, and a line that a screen reader hears.

/** An element: `on...` are listeners, other properties attributes; children are elements or text. */
export function make(tag, properties = {}, ...children) {
    const svg = ["svg", "path", "rect", "circle", "line", "text", "g"].includes(tag);
    const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
    }
    // Or JupyterLab would take arrow keys and letters for its own shortcuts: it looks at the focused element.
    if (["input", "select", "button"].includes(tag) || "tabindex" in properties) element.dataset.lmSuppressShortcuts = "true";
    element.append(...children);
    return element;
}

/** A number, or the nearest limit. */
export const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

export const sum = (values) => values.reduce((total, value) => total + value, 0);

/** "1 hole", "2 holes". */
export const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/** A labelled text field; `change` gets its text at each key. */
export function textField(label, value, change, properties = {}) {
    const input = make("input", {
        type: "text", value, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        oninput: () => change(input.value), ...properties,
    });
    return make("label", { class: "live-field" }, label, input);
}

/** A labelled slider that shows its value; `change` gets the number, `show` writes it. */
export function slider(label, { min, max, step = 1, value }, change, show = String) {
    const output = make("output", { "aria-hidden": "true" }, show(value)); // aria-valuetext says it
    const input = make("input", {
        type: "range", min, max, step, value, "aria-valuetext": show(value),
        oninput: () => {
            const text = show(Number(input.value));
            output.textContent = text;
            input.setAttribute("aria-valuetext", text);
            change(Number(input.value));
        },
    });
    return make("label", { class: "live-field" }, label, input, output);
}

/** A labelled list to choose from; options are texts, or [value, text] pairs. */
export function choice(label, options, value, change) {
    const select = make("select", { onchange: () => change(select.value) });
    for (const [key, text = key] of options.map((option) => [option].flat())) select.append(make("option", { value: key, selected: key === value }, text));
    return make("label", { class: "live-field" }, label, select);
}

export function button(text, press) {
    return make("button", { type: "button", onclick: press }, text);
}

/** A line below a figure, read aloud when it changes, at most twice a second. */
export function announcer() {
    const line = make("p", { class: "live-says", role: "status" });
    let waiting;
    line.say = (text) => {
        clearTimeout(waiting);
        waiting = setTimeout(() => { line.textContent = text; }, 400);
    };
    line.textContent = "";
    return line;
}

/** The frame of a figure: its name, controls, picture, and announcer. */
export function frame(element, name, controls, picture, says) {
    element.classList.add("live-figure");
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", name);
    element.replaceChildren(make("div", { class: "live-controls" }, ...controls), picture, says);
}

/** A picture with one tab stop; `keys` has what each key does. */
export function picture(label, keys, properties = {}, ...children) {
    const onkeydown = (event) => {
        if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        keys[event.key]();
    };
    const own = { class: "live-picture", tabindex: 0, role: "group", "aria-label": label, onkeydown };
    return make("div", { ...own, ...properties }, ...children);
}

/** A picture whose `point` gets the place pointed at by mouse or finger, in the units of the svg. `says` describes it. */
export function pointable(label, svg, says, point, keys) {
    says.id ||= `live-${Math.random().toString(36).slice(2)}`;
    svg.setAttribute("aria-hidden", "true");
    const at = ({ clientX, clientY }) => {
        const { left, top, width } = svg.getBoundingClientRect();
        const scale = svg.viewBox.baseVal.width / width;
        point((clientX - left) * scale, (clientY - top) * scale);
    };
    const properties = { role: "application", "aria-describedby": says.id, onpointermove: at, onpointerdown: at };
    return picture(label, keys, properties, svg);
}

/** The class of a letter's colour, the same as in the lessons' figures: one for each letter of charlie, one for the stop mark. */
export function letterClass(letter) {
    return letter === "." ? "live-stop" : "charlie".includes(letter) ? `live-${letter}` : "live-other";
}

/** An svg that fills its place, up to half as large again, but no narrower than 300 pixels; `label` says what it shows. */
export function drawing(width, height, label) {
    const style = `display:block;width:100%;min-width:${Math.min(width, 300)}px;max-width:${1.5 * width}px`;
    return make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, style });
}

/** Words in an svg. */
export function text(x, y, words, properties = {}) {
    return make("text", { x, y, "font-size": 12, ...properties }, words);
}
