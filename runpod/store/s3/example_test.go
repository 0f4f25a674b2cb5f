package s3_test

import (
	"fmt"
	"log"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store/s3"
)

// The rule under which workers may read a user's bucket through presigned URLs.
func ExampleSigned_Rule() {
	bucket, err := s3.New(s3.Config{
		Endpoint: "https://s3.eu-central-1.amazonaws.com", Region: "eu-central-1", Bucket: "data",
		AccessKey: "AKIA...", SecretKey: runpod.Secret("..."),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s3.Signed{Bucket: bucket}.Rule())
	// Output: https://s3.eu-central-1.amazonaws.com/data/gopherpod/
}
