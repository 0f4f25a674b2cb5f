package deploy

import (
	"os"
	"strings"

	"github.com/distribution/reference"
)

// records are the paths of the file in which worker/pytorch/deploy.sh records the last image:
// seen from the repository, from a folder in it, and from the script's own folder.
var records = []string{"worker/pytorch/.last-image", "../worker/pytorch/.last-image", ".last-image"}

// LastImage returns the image that worker/pytorch/deploy.sh pushed last, or empty.
func LastImage() string {
	for _, name := range records {
		b, err := os.ReadFile(name)
		image := strings.TrimSpace(string(b))
		if err == nil && checkImage(image) == nil {
			return image
		}
	}
	return ""
}

// checkImage returns why s is not the name of an image that a container engine would pull:
// registry and path, then at most one tag and one digest.
func checkImage(s string) error {
	_, err := reference.ParseNormalizedNamed(s)
	return err
}
