"""The small package that the notebooks of "WaveNet in stages" import.

Read in this order: data, layers, models, ngrams, recipes, batches, training, sampling (lessons 01 to 05); sweeps, arms,
probes, experiments, verdicts (06); convolution, wavenet, generation, sequences (07 and 08); sound (09). `plots` and `checks`
serve the notebooks; nothing else imports them, so that `import lib` loads neither matplotlib nor IPython.
"""
