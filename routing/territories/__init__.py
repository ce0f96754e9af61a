"""
The territory plan where it meets leads.

| module       | holds                                                             |
|--------------|-------------------------------------------------------------------|
| `asking`     | reads the conditions of territories, with the language of rules   |
| `serving`    | whom a territory's leads may go to, as the engine wants it        |
| `placing`    | which territory leads and accounts fall into, counted             |
| `picture`    | the one answer that map, tree and table are drawn from            |
| `coverage`   | gaps, double cover, and territories that nobody serves            |
| `handover`   | giving territories to another owner, with or without their leads  |
"""
