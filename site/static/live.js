// Shows the live figures in their places; what stands there until then, or for ever without scripts, is the still figure.
const folder = new URL("live/", import.meta.url);

for (const place of document.querySelectorAll(".live[data-figure]")) {
    const figure = document.createElement("div");
    const data = { folder: folder.href, ...JSON.parse(place.dataset.data ?? "{}") };
    import(new URL(`${place.dataset.figure}.js`, folder))
        .then(({ mount }) => mount(figure, data))
        .then(() => place.replaceChildren(figure));
}
