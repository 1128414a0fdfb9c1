"""The Bot API, with python-telegram-bot's types and client and none of its Application (decision 0002).

transport  HTTP by aiohttp behind its BaseRequest
messenger  messages out
polling    updates in, the offset moved after the commit
"""
