// The staged net with GELU, its probabilities and the names it writes, as lib.models and lib.sampling compute them.

const STOP = ".";

/** The net that lib.live.weights wrote into an ArrayBuffer, a DataView or a typed array. */
export function load(buffer) {
    const bytes = ArrayBuffer.isView(buffer)
        ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
        : new Uint8Array(buffer);
    const begin = 4 + (bytes.length < 4 ? Infinity : new Uint32Array(bytes.slice(0, 4).buffer)[0]);
    if (begin > bytes.length) throw new Error(`a net's file begins with the length of its header; got ${bytes.length} bytes`);
    const { characters, context, residual, shapes } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, begin)));
    const sizes = shapes.map((shape) => shape.reduce((product, size) => product * size, 1));
    const expected = begin + 4 * sizes.reduce((sum, size) => sum + size, 0);
    if (bytes.length !== expected) throw new Error(`the net's file has ${bytes.length} bytes, expected ${expected}`);
    let offset = begin;
    const numbers = sizes.map((size) => {
        offset += 4 * size;
        return Float64Array.from(new Float32Array(bytes.slice(offset - 4 * size, offset).buffer));
    });
    const stages = residual.map((adds, i) => ({ matrix: numbers[2 * i + 1], bias: numbers[2 * i + 2], adds }));
    const [matrix, bias] = numbers.slice(-2);
    const letters = [...characters], C = shapes[0][1];
    return {
        characters: letters, context, stages, head: { matrix, bias },
        embedding: letters.map((_, id) => numbers[0].subarray(id * C, (id + 1) * C)),
        ids: new Map(letters.map((letter, id) => [letter, id])),
        groups: new Map(),
    };
}

/** The normal distribution function: 1/2 + density(x) * (x + x^3/3 + x^5/15 + ...), whose terms have one sign. */
export function normalCdf(x) {
    if (Math.abs(x) > 6) return x > 0 ? 1 : 0;
    let term = x, sum = x;
    for (let k = 3; Math.abs(term) > 1e-9; k += 2) sum += term *= x * x / k;
    return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
}

/** Matrix times inputs, plus bias. */
function linear({ matrix, bias }, inputs) {
    const width = inputs.length, out = Float64Array.from(bias);
    for (let row = 0, place = 0; row < out.length; row += 1) {
        let even = 0, odd = 0; // two sums: a processor adds to both at once
        for (let i = 0; i < width - 1; i += 2, place += 2) {
            even += matrix[place] * inputs[i];
            odd += matrix[place + 1] * inputs[i + 1];
        }
        if (width % 2) even += matrix[place++] * inputs[width - 1];
        out[row] += even + odd;
    }
    return out;
}

/** What the net makes of neighbouring ids: the embedding of one, the output of a stage for 2, 4, 8 ... */
function group(net, ids, depth) {
    if (depth === 0) return net.embedding[ids[0]];
    const key = ids.join(), kept = net.groups.get(key);
    if (kept) return kept; // a group is in many windows, and is computed once
    const left = group(net, ids.slice(0, ids.length / 2), depth - 1);
    const right = group(net, ids.slice(ids.length / 2), depth - 1);
    const inputs = new Float64Array(2 * left.length), stage = net.stages[depth - 1];
    inputs.set(left);
    inputs.set(right, left.length);
    const out = linear(stage, inputs);
    for (let row = 0; row < out.length; row += 1) out[row] = out[row] * normalCdf(out[row]) + (stage.adds ? right[row] : 0);
    if (depth < net.stages.length) {
        if (net.groups.size > 20_000) net.groups.clear();
        net.groups.set(key, out);
    }
    return out;
}

/** The logits (V,) after a window of `net.context` ids. */
export function logits(net, ids) {
    return linear(net.head, group(net, ids, net.stages.length));
}

/** Probabilities from logits: temperature 0 takes the likeliest, a topK keeps the k likeliest. */
export function probabilities(logits, temperature = 1, topK = logits.length) {
    const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]); // stable: of equals the first
    const kept = new Set(order.slice(0, temperature < 2 ** -126 ? 1 : topK)), most = logits[order[0]];
    const weights = Array.from(logits, (logit, id) => {
        if (!kept.has(id)) return 0;
        return id === order[0] ? 1 : Math.exp((logit - most) / temperature);
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
}

/** A function that gives random numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function generator(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let bits = Math.imul(state ^ (state >>> 15), state | 1);
        bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
        return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** The letters of a text that the net does not know, each once; the stop mark is no letter. */
export function unknownLetters(net, text) {
    return [...new Set(text)].filter((letter) => letter === STOP || !net.ids.has(letter));
}

/** The probabilities of what follows a beginning. */
export function nextProbabilities(net, beginning, temperature, topK) {
    const unknown = unknownLetters(net, beginning);
    if (unknown.length) throw new Error(`the net does not know ${unknown.join(" ")}`);
    const letters = [...beginning].slice(-net.context), padding = Array(net.context - letters.length).fill(0);
    return probabilities(logits(net, [...padding, ...letters.map((letter) => net.ids.get(letter))]), temperature, topK);
}

/** Each character's probability given those before it, the stop mark's last. */
export function nameProbabilities(net, name) {
    const letters = [...name];
    return [...letters, STOP].map((letter, i) => nextProbabilities(net, letters.slice(0, i).join(""))[net.ids.get(letter)]);
}

/** n names, all in parallel: the net is asked once for each window. They contain the start, and no stop mark. */
export function sample(net, n, { temperature = 1, topK, seed = 0, start = "", maxLength = 64 } = {}) {
    const random = generator(seed), asked = new Map();
    const names = Array.from({ length: n }, () => [...start]);
    let running = names;
    while (running.length) {
        running = running.filter((name) => {
            const seen = name.slice(-net.context).join("");
            if (!asked.has(seen)) asked.set(seen, nextProbabilities(net, seen, temperature, topK));
            const id = draw(asked.get(seen), random());
            if (id) name.push(net.characters[id]);
            return id !== 0 && name.length < maxLength;
        });
    }
    return names.map((name) => name.join(""));
}

/** The id in whose part of the line from 0 to 1 the number u lies. */
function draw(probs, u) {
    let last = 0;
    for (const [id, p] of probs.entries()) {
        if (p > 0) last = id;
        if ((u -= p) < 0) return id;
    }
    return last;
}
