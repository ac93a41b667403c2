package risk

import "strings"

// production is the environment factor of production, the highest.
const production = 100

// environmentOf is R1's E of 35 normalised: production 35, staging 18,
// development 5, test 3, sandbox 2 (E/35·100). A stated environment that is none
// of these counts as production, as in R1. An unstated one is 50, fixed by the
// documented samples.
func environmentOf(name string) finding {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "":
		return points(50, "no environment stated")
	case "production", "prod":
		return points(production, "production")
	case "staging", "stage":
		return points(51, "staging")
	case "development", "dev":
		return points(14, "development")
	case "test":
		return points(9, "test")
	case "sandbox":
		return points(6, "sandbox")
	default:
		return points(production, "an environment that is not known counts as production")
	}
}
