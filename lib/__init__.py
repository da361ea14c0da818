"""The package that the lessons of "WaveNet in stages" import. Read its files in this order:

    data         names, vocabulary, windows                        lesson 01
    ngrams       the counting baselines                            01
    layers       FlattenConsecutive, BatchNorm1d, Stage            02, 03
    models       flat_model and staged_model                       02
    recipes      optimizer settings: LECTURE, FAST, LONG, QUICK    04
    batches      shuffled batches and their loss                   04
    training     train and evaluate                                04
    checkpoints  saved models, saved and resumed trainings         04
    sampling     from logits to names                              05
    sound        mu-law, the drum and its nets                     11
    amplifier    a guitar, its amplifier and a net that learns it  11
    wavenet/     the lessons after the tree
        convolution  causal dilated convolution, receptive field   07
        conversion   the tree as dilated convolutions              07
        net          WaveNet                                       08
        generation   queues and naive generation                   08
        sequences    whole names, masked loss                      08
    plots/       figures with descriptions                         all
    evidence/    experiments behind the measured claims            06, 08
    checks/      "Your turn" at the end of each lesson             all

Imports run one way: the files at the top, then wavenet, then sound and evidence, then plots and checks. `import lib`
loads neither matplotlib nor IPython.
"""
