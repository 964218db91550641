"""Translation between the wire's vocabulary (protocol/nhsa) and ours; it happens nowhere else."""
