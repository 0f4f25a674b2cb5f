package runpod

import (
	"context"
	"net/http"
	"slices"
)

// A TemplateSpec describes a template to create: a container's configuration under a name. In
// an update, fields that are zero do not change.
//
// Source: docs.runpod.io, API reference (v2), templates.
type TemplateSpec struct {
	Name string `json:"name,omitempty"`
	Container
	Serverless          bool     `json:"serverless,omitempty"`
	Public              bool     `json:"public,omitempty"`
	Category            string   `json:"category,omitempty"` // CPU, NVIDIA, AMD
	AllowedCUDAVersions []string `json:"allowedCudaVersions,omitempty"`
	StartSSH            *bool    `json:"startSsh,omitempty"`     // the service's default is true
	StartJupyter        *bool    `json:"startJupyter,omitempty"` // the service's default is true
}

// A Template is a template as the service describes it.
type Template struct {
	ID string `json:"id"`
	TemplateSpec
}

// Templates lists the account's templates.
func (m *Management) Templates(ctx context.Context) ([]Template, error) {
	return list[Template](ctx, m, "templates", nil, "templates")
}

// Template returns the template with that id.
func (m *Management) Template(ctx context.Context, id string) (*Template, error) {
	out := new(Template)
	return out, m.get(ctx, out, nil, "templates", id)
}

// CreateTemplate creates a template. It is never resent; see CreateEndpoint.
func (m *Management) CreateTemplate(ctx context.Context, s TemplateSpec) (*Template, error) {
	if s.Name == "" || s.Image == "" {
		return nil, invalid(opManage, "", "template %.80q: a name or an image is missing", s.Name)
	}
	out := new(Template)
	return out, m.do(ctx, http.MethodPost, []string{"templates"}, nil, s, out)
}

// UpdateTemplate changes the fields of s that are not zero. Endpoints that were created from
// the template do not change.
func (m *Management) UpdateTemplate(ctx context.Context, id string, s TemplateSpec) (*Template, error) {
	out := new(Template)
	return out, m.do(ctx, http.MethodPatch, []string{"templates", id}, nil, s, out)
}

// DeleteTemplate removes a template.
func (m *Management) DeleteTemplate(ctx context.Context, id string) error {
	return m.remove(ctx, "templates", id)
}

// FindTemplate returns the template with that name, or nil.
func (m *Management) FindTemplate(ctx context.Context, name string) (*Template, error) {
	all, err := m.Templates(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(t Template) bool { return t.Name == name }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}
