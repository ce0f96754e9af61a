"""From due leads to stored decisions: snapshot, batch, and running a decision again."""
