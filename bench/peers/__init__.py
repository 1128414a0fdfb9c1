"""Bots on python-telegram-bot, written as its documentation shows: what Waymark is compared with."""
