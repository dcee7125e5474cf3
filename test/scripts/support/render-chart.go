// Renders a Helm chart as `helm template` does, with the functions that charts have of sprig and those of Helm's own that
// the chart here uses. Reads values as JSON, what a user gives; prints the documents as JSON, by the file that each is of.
//
//	render-chart CHART RELEASE NAMESPACE < values.json
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(chart, release, namespace string) error {
	var own struct{ Name, Version, AppVersion string }
	if err := readYaml(filepath.Join(chart, "Chart.yaml"), &own); err != nil {
		return err
	}
	values := object{}
	if err := readYaml(filepath.Join(chart, "values.yaml"), &values); err != nil {
		return err
	}
	given, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	users := object{}
	if err := yaml.Unmarshal(given, &users, useNumber); err != nil {
		return err
	}
	coalesce(values, users)

	set := template.New("chart").Option("missingkey=zero")
	set.Funcs(functions(set))
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := set.New(filepath.Base(path)).Parse(string(text)); err != nil {
			return err
		}
	}
	top := object{
		"Values":  values,
		"Chart":   own,
		"Release": object{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
	}
	out := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var text bytes.Buffer
		if err := set.ExecuteTemplate(&text, name, top); err != nil {
			return err
		}
		out[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func readYaml(path string, into interface{}) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into, useNumber)
}

func useNumber(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

// What users give goes before what the chart has; null takes out.
func coalesce(into, from object) {
	for key, value := range from {
		inner, isObject := value.(object)
		own, wasObject := into[key].(object)
		switch {
		case value == nil:
			delete(into, key)
		case isObject && wasObject:
			coalesce(own, inner)
		default:
			into[key] = value
		}
	}
}

func functions(set *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["include"] = func(name string, data interface{}) (string, error) {
		var text bytes.Buffer
		err := set.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	all["required"] = func(problem string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, errors.New(problem)
		}
		return value, nil
	}
	return all
}
