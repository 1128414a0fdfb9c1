"""The evaluation of summaries: twenty sessions in four languages, and a score that code gives, not a model.

`sessions/` holds what twenty people answer; `walk` has them walk it in the product; `score` looks at a summary of it;
`python -m bench.evals` (`make eval`) prints the table: of the built-in writer, and of the model that OPENAI_BASE_URL
names where OPENAI_API_KEY is set.
"""
