"""
One row per person: which addresses are one person's, who may be the same, merging and undoing it.

`addresses`, `identity` and `alike` are pure; `merging` and `unmerging` are the only writers of
`Prospect.merged_into`.
"""
