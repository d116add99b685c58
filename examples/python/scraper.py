"""The challenge's sample scraper as a source: the top tweets of a search, by a Twitter account."""

import os

from twscrape import API, gather

import weir


@weir.source
async def twitter_search_top(query: str, limit: int = 10):
    """Weir calls this as often as the scraper's `every` says, and stores each tweet once."""
    cookies, username, email = (os.environ[f"TWITTER_{name}"] for name in ("SESSION_COOKIE", "USERNAME", "EMAIL"))
    api = API()
    await api.pool.add_account(username, "-", email, "-", cookies=cookies)
    tweets = await gather(api.search(query, limit=limit, kv={"product": "Top"}))
    return weir.Page([tweet.dict() for tweet in tweets])
