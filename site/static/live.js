// Shows the live figures in their places when these come near the screen. What stands there until then, or for ever without
// scripts, is the still figure.
const folder = new URL("live/", import.meta.url);

async function show(place) {
    const figure = document.createElement("div");
    const { mount } = await import(new URL(`${place.dataset.figure}.js`, folder));
    await mount(figure, { folder: folder.href, ...JSON.parse(place.dataset.data ?? "{}") });
    for (const still of place.children) still.classList.add("live-still"); // for paper
    for (const image of place.querySelectorAll("img")) image.loading = "eager";
    place.append(figure);
}

const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        show(target);
    }
}, { rootMargin: "400px" });
document.querySelectorAll(".live[data-figure]").forEach((place) => near.observe(place));
