package risk

import "strings"

// production is the environment factor of production, the highest.
const production = 100

// environmentOf returns R1's E of 35 normalised: production 35, staging 18,
// development 5, test 3, sandbox 2 (E/35·100). A stated environment that is none
// of these counts as production, as in R1. An unstated one is 50, fixed by the
// documented samples.
func environmentOf(name string) finding {
	switch canonical(name) {
	case "":
		return points(50, "no environment stated")
	case "production":
		return points(production, "production")
	case "staging":
		return points(51, "staging")
	case "development":
		return points(14, "development")
	case "test":
		return points(9, "test")
	case "sandbox":
		return points(6, "sandbox")
	default:
		return points(production, "an environment that is not known counts as production")
	}
}

// InEnvironment reports whether a stated environment is the one named, by this or
// another known name of it. An unknown environment also counts as production, as
// it does for the score.
func InEnvironment(stated, name string) bool {
	stated, name = canonical(stated), canonical(name)
	return stated != "" && (stated == name || name == "production" && environmentOf(stated).tenths == environmentOf(name).tenths)
}

// canonical returns an environment's name in lower case, spelled out.
func canonical(name string) string {
	switch name = strings.ToLower(strings.TrimSpace(name)); name {
	case "prod":
		return "production"
	case "stage":
		return "staging"
	case "dev":
		return "development"
	}
	return name
}
