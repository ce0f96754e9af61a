"""What realignments of territories do to leads, and proposals that even out the workload."""
