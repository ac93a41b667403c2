package risk

import "strings"

// hasPattern reports whether a text has one of R1's patterns of personal data
// (facts.md §6.1): US social security number, 16-digit card, e-mail address, US
// telephone number and IPv4 address, each bounded by anything but an ASCII letter
// or digit. It reads the text once.
func hasPattern(text string) bool { return hasEmail(text) || hasNumber(text) }

// A group is a run of digits; before is the one byte that parts it from the
// group in front of it, 0 where more or something else stands between.
type group struct {
	text   string
	before byte
}

func hasNumber(text string) bool {
	var last [4]group // the newest at the end
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if start > 0 && isLetter(text[start-1]) || i < len(text) && isLetter(text[i]) {
			last = [4]group{}
			continue
		}
		copy(last[:], last[1:])
		last[3] = group{text[start:i], separator(text, start, last[2].text)}
		if isCard(last) || isSSN(last) || isPhone(last) || isIPv4(last) {
			return true
		}
	}
	return false
}

// separator returns the byte between a group and the one before it: a single dash,
// dot or blank, or ")" with or without a blank as in "(212) 555-0100".
func separator(text string, start int, previous string) byte {
	if previous == "" || start == 0 {
		return 0
	}
	between := text[:start]
	switch between = between[strings.LastIndexFunc(between, func(r rune) bool { return '0' <= r && r <= '9' })+1:]; between {
	case "-", ".", " ":
		return between[0]
	case ")", ") ", ")-":
		return ' '
	}
	return 0
}

func isCard(g [4]group) bool {
	if len(g[3].text) == 16 {
		return true
	}
	for i := range g {
		if len(g[i].text) != 4 || i > 0 && !dashOrBlank(g[i].before) {
			return false
		}
	}
	return true
}

func isSSN(g [4]group) bool {
	return len(g[1].text) == 3 && len(g[2].text) == 2 && len(g[3].text) == 4 && dashOrBlank(g[2].before) && dashOrBlank(g[3].before)
}

func isPhone(g [4]group) bool {
	return len(g[1].text) == 3 && len(g[2].text) == 3 && len(g[3].text) == 4 && g[2].before != 0 && g[3].before != 0
}

func isIPv4(g [4]group) bool {
	for i := range g {
		if !isOctet(g[i].text) || i > 0 && g[i].before != '.' {
			return false
		}
	}
	return true
}

func isOctet(text string) bool {
	return len(text) == 1 || len(text) == 2 || len(text) == 3 && text <= "255"
}

func dashOrBlank(c byte) bool { return c == '-' || c == ' ' }

// hasEmail reports whether a text has name@host.tld with a name of at least one
// byte and a top-level domain of two letters or more.
func hasEmail(text string) bool {
	for {
		name, rest, found := strings.Cut(text, "@")
		if !found {
			return false
		}
		if name != "" && isLocal(name[len(name)-1]) && beginsWithDomain(rest) {
			return true
		}
		text = rest
	}
}

func beginsWithDomain(text string) bool {
	end := 0
	for end < len(text) && (isLetter(text[end]) || isDigit(text[end]) || text[end] == '-' || text[end] == '.') {
		end++
	}
	domain := strings.TrimRight(text[:end], ".-")
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 || len(domain)-dot-1 < 2 {
		return false
	}
	for i := dot + 1; i < len(domain); i++ {
		if isDigit(domain[i]) {
			return false
		}
	}
	return true
}

func isLocal(c byte) bool  { return isLetter(c) || isDigit(c) || strings.IndexByte("._%+-", c) >= 0 }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
