"""Whether servers answer, found out within seconds."""

import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

_ANSWER_SECONDS = 5


def unreachable(urls: Iterable[str]) -> list[str]:
    """Returns the servers of some URLs that do not answer.

    Any HTTP answer counts, an error too; proxies are honored.

    Args:
        urls: Addresses; one of each HTTP or HTTPS server is tried, others are taken to answer.

    Returns:
        The servers, as `scheme://host:port`, that did not answer within a few seconds.
    """
    servers = {
        "{0.scheme}://{0.netloc}".format(urlsplit(url)): url
        for url in urls
        if url.startswith("http")
    }
    answered = set()
    threads = [
        # A daemon, because a name lookup does not keep to a timeout.
        threading.Thread(target=_ask, args=(server, url, answered), daemon=True)
        for server, url in servers.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_ANSWER_SECONDS + 1)
    return sorted(servers.keys() - answered)


def _ask(server: str, url: str, answered: set[str]) -> None:
    import requests

    try:
        requests.head(url, timeout=_ANSWER_SECONDS)
    except requests.RequestException:
        return
    answered.add(server)
