# Counts the verb after the name in the doc comments of functions. Input: Go
# files without tests. A comment should say what a function returns or reports,
# not what it "is" (CONTRIBUTING, "How we write").
FNR == 1            { comment = "" }
/^\/\//             { if (comment == "") comment = $0; next }
/^func / && comment {
	name = $0
	sub(/^func (\([^)]*\) )?/, "", name)
	sub(/[^A-Za-z0-9_].*/, "", name)
	split(comment, word, " ")
	if (word[2] == name) { all++; verb[word[3]]++ }
}
                    { comment = "" }
END {
	printf "%d function comments: is %.1f %%, returns or reports %.1f %%\n",
		all, 100 * verb["is"] / all, 100 * (verb["returns"] + verb["reports"]) / all
}
