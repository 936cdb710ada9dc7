// Package conffile reads configuration files: TOML 1.0 (https://toml.io/en/v1.0.0) of keys whose values are scalars,
// arrays of scalars or tables of scalars, each with the line that it stands in. It does not know which keys there are.
package conffile
