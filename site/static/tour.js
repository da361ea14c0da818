// The guided tour: one stop at a time, back and forward by button or arrow key. Without this script the page shows all.
const stops = [...document.querySelectorAll("article section section")];
const number = () => stops.findIndex((stop) => `#${stop.id}` === location.hash) + 1 || 1;
let at = 0;

const button = (text, step) => {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.addEventListener("click", () => go(at + step));
    return element;
};
const [back, on] = [button("← Back", -1), button("Next →", 1)];
const where = document.createElement("span");
where.setAttribute("role", "status");
const bar = document.createElement("nav");
bar.className = "tour-bar";
bar.setAttribute("aria-label", "Stops of the tour");
bar.append(back, where, on);

function show(stop) {
    at = Math.min(Math.max(stop, 1), stops.length);
    stops.forEach((section, i) => { section.hidden = i !== at - 1; });
    stops[at - 1].append(bar);
    where.textContent = `Stop ${at} of ${stops.length}`;
    back.disabled = at === 1;
    on.disabled = at === stops.length;
}

function go(stop) {
    if (stop < 1 || stop > stops.length) return;
    history.pushState(null, "", `#${stops[stop - 1].id}`);
    show(stop);
    const heading = stops[at - 1].querySelector("h2");
    heading.tabIndex = -1;
    heading.focus();
}

window.addEventListener("popstate", () => show(number()));
window.addEventListener("hashchange", () => show(number()));
document.addEventListener("keydown", (event) => {
    // Not where the arrow keys have work to do: in a control, or in the picture or the bars of a figure.
    if (event.target.closest("input, select, textarea, .live-picture")) return;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowRight") go(at + 1);
    if (event.key === "ArrowLeft") go(at - 1);
});
if (stops.length) show(number());
