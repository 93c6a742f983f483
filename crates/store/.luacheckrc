-- For the scripts as Redis runs them: a verb behind the parts that it needs.
std = "lua51"
read_globals = { "redis", "struct", "KEYS", "ARGV" }
max_line_length = 110
-- A verb rarely uses all that a part gives.
ignore = { "211" }
