package environ_test

import (
	"testing"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

func TestIsSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"RUNPOD_API_KEY": true, "RUNPOD_S3_ACCESS_KEY_ID": true, "BUCKET_ACCESS_KEY_ID": true, "RUNPOD_S3_SECRET_ACCESS_KEY": true, "GOPHERPOD_RUNS_KEY": true,
		"DB_PASS": true, "SSHPASS": true, "MYSQL_PWD": true, "REDISCLI_AUTH": true, "GITHUB_PAT": true, "KEY_PASSPHRASE": true, "JWT": true,
		"PWD": false, "OLDPWD": false, "PATH": false, "BYPASS": false, "SSH_AUTH_SOCK": false,
		"PGPASSWORD": true, "db_password": true, "HF_TOKEN": true, "GOPHERPOD_KEYRING_DATABASE_URL": true, "TOKENIZERS_PARALLELISM": false,
		"RUNPOD_ENDPOINT_ID": false, "RUNPOD_VOLUME_ID": false, "KEYBOARD": false, "GOPHERPOD_KEYRING": false,
	} {
		if environ.IsSecret(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
