"""The small package that the notebooks of "WaveNet in stages" import.

Read in this order: data, layers, models, ngrams, training, sampling. `plots` and `checks` serve the notebooks; nothing
else imports them, so that `import lib` loads neither matplotlib nor IPython.
"""
