package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"time"
)

var form = regexp.MustCompile(`^t=(\d+),v1=([0-9a-f]{64})$`)

// IsGenuine tells whether a delivery is of the gateway that has this secret; body is what came, before it is parsed.
func IsGenuine(secret, signature string, body []byte) bool {
	match := form.FindStringSubmatch(signature)
	if match == nil {
		return false
	}
	seconds, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	given, _ := hex.DecodeString(match[2])
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(match[1] + "."))
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), given)
}
