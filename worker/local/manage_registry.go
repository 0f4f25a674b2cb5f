package local

import "net/http"

// A registrySpec holds the credentials of a container registry. Nothing is pulled here, so
// they are only kept, and no answer contains them.
type registrySpec struct {
	Name     string `json:"name"`
	Username string `json:"username"`
	Password string `json:"password"`
}

func checkRegistry(_ *registrySpec, v registrySpec) error {
	for _, f := range []struct{ name, value string }{{"name", v.Name}, {"username", v.Username}, {"password", v.Password}} {
		if f.value == "" {
			return invalidField(f.name, "is required")
		}
	}
	return nil
}

func describeRegistry(id string, v registrySpec) any {
	return map[string]string{"id": id, "name": v.Name}
}

// checkRegistryID refuses an id for which there are no credentials; "" is a public image.
func (a *account) checkRegistryID(id string) error {
	if id == "" {
		return nil
	}
	if _, err := a.credential.get(id); err != nil {
		return newProblem(http.StatusNotFound, "registry %q not found", id)
	}
	return nil
}

// registries serves /v2/registries. The service has no update of credentials. Delegations
// let RunPod pull from Amazon's registry.
func (s *Server) registries(r *http.Request, parts []string, body []byte) (int, any, error) {
	if len(parts) > 1 && parts[1] == "delegations" {
		if r.Method == http.MethodDelete {
			return 0, nil, errNotFound
		}
		return 0, nil, notHere("delegations")
	}
	if r.Method == http.MethodPatch {
		return 0, nil, newProblem(http.StatusMethodNotAllowed, "method not allowed")
	}
	return s.crud(r, parts, body, s.account.credential)
}
