package agent

// defaults are the default thresholds of the documented agent types: those of
// seeds/000 and seeds/001 ("Agent Types"), for advisory the stricter of the
// two; what MFA is required above is decision 9's.
var defaults = map[Type]struct{ autoBelow, max, mfaAbove int }{
	Supervised: {30, 80, 70},
	Autonomous: {20, 60, 50},
	Advisory:   {40, 90, 80},
	MCPServer:  {30, 80, 70},
	Custom:     {30, 80, 70},
}

// Valid reports whether t is one of the documented types.
func (t Type) Valid() bool {
	_, ok := defaults[t]
	return ok
}

// Defaults is the configuration of an agent of type t about which nothing else
// is said; a type that is not documented gets the thresholds of Supervised.
func Defaults(t Type) Config {
	d, ok := defaults[t]
	if !ok {
		d = defaults[Supervised]
	}
	return Config{
		Type:                       t,
		DefaultRiskScore:           50,
		AutoApproveBelow:           d.autoBelow,
		MaxRiskThreshold:           d.max,
		RequiresMFAAbove:           d.mfaAbove,
		AutonomousAutoApproveBelow: 20,
		AutonomousMaxRiskThreshold: 60,
		AlertOnHighRisk:            true,
	}
}
