"""The laboratory behind lessons 06 and 08: claims, arms, probes, sweeps, statistics."""
