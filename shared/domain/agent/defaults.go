package agent

// Defaults returns the configuration of an agent of type t where its caller
// sets nothing. The thresholds are those of seeds/000 and seeds/001 ("Agent
// Types"), for Advisory the stricter of the two; those for MFA are decision 9's.
// A type that is not documented gets the thresholds of Supervised.
func Defaults(t Type) Config {
	c := Config{
		Type:                       t,
		DefaultRiskScore:           50,
		AutoApproveBelow:           30,
		MaxRiskThreshold:           80,
		RequiresMFAAbove:           70,
		AutonomousAutoApproveBelow: 20,
		AutonomousMaxRiskThreshold: 60,
		AlertOnHighRisk:            true,
	}
	switch t {
	case Autonomous:
		c.AutoApproveBelow, c.MaxRiskThreshold, c.RequiresMFAAbove = 20, 60, 50
	case Advisory:
		c.AutoApproveBelow, c.MaxRiskThreshold, c.RequiresMFAAbove = 40, 90, 80
	}
	return c
}
