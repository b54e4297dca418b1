// SPDX-License-Identifier: Apache-2.0

package oam

import "fmt"

// DefaultPort is where an app without a file is expected to listen.
const DefaultPort = 8080

// Fileless is the Application of an app whose repository has no file: one
// webservice with the built image, told its port in PORT, served over HTTP.
func Fileless(app string) string {
	return fmt.Sprintf(`apiVersion: %s
kind: %s
metadata:
  name: %s
spec:
  components:
    - name: %s
      type: webservice
      properties:
        ports:
          - port: %[5]d
            expose: true
        env:
          - name: PORT
            value: "%[5]d"
      traits:
        - type: gateway
          properties:
            http:
              /: %[5]d
`, APIVersion, Kind, app, app, DefaultPort)
}
