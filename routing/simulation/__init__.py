"""
What would have been: a period, or an uploaded file, routed again by a draft and by the live rules.

| module     | holds                                                                        |
|------------|------------------------------------------------------------------------------|
| `ledger`   | PURE: one rule set's own counters, who holds what, who waits                  |
| `measures` | PURE: shares, Gini, who can answer in time                                    |
| `again`    | production's decisions recomputed, batch by batch                             |
| `period`   | a period read in chunks: batches, decisions, what people did                   |
| `uploads`  | a file of leads read into facts, with what is wrong per row                   |
| `promises` | how soon a lead should be answered; `sla` says it                             |
| `frozen`   | the rules of a draft as they were when it was asked for                       |
| `steps`    | one chunk through both ledgers                                               |
| `work`     | ask, drain, cancel                                                            |
| `figures`  | the result                                                                    |
| `charts`   | bars as SVG                                                                   |
"""
