def drain(*, driver, due_before):
    return 0


def oldest():
    return None
