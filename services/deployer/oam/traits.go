// SPDX-License-Identifier: Apache-2.0

package oam

// Scaler fixes the number of replicas.
type Scaler struct {
	Replicas int32 `json:"replicas" range:"0-1000" default:"1"`
}

// CPUScaler scales by CPU with a HorizontalPodAutoscaler.
type CPUScaler struct {
	Min              int32  `json:"min" range:"1-1000" default:"1"`
	Max              int32  `json:"max" range:"1-1000" default:"10"`
	CPUUtil          int32  `json:"cpuUtil" range:"1-1000" default:"50" doc:"percent of the request"`
	TargetAPIVersion string `json:"targetAPIVersion" default:"apps/v1"`
	TargetKind       string `json:"targetKind" default:"Deployment"`
}

// HPA scales by CPU, memory or metrics of the pods with a
// HorizontalPodAutoscaler.
type HPA struct {
	Min              int32       `json:"min" range:"1-1000" default:"1"`
	Max              int32       `json:"max" range:"1-1000" default:"10"`
	TargetAPIVersion string      `json:"targetAPIVersion" default:"apps/v1"`
	TargetKind       string      `json:"targetKind" default:"Deployment"`
	CPU              HPATarget   `json:"cpu"`
	Memory           *HPATarget  `json:"mem"`
	PodCustomMetrics []PodMetric `json:"podCustomMetrics"`
}

// HPATarget is the load that one replica is to have.
type HPATarget struct {
	Type  string `json:"type" enum:"Utilization,AverageValue" default:"Utilization"`
	Value int32  `json:"value" range:"1-2147483647" default:"50"`
}

// PodMetric is a metric of the pods and its average to keep.
type PodMetric struct {
	Name  string   `json:"name" need:"required"`
	Value Quantity `json:"value" need:"required"`
}

// Autoscaler hands the component to Hydra's scaler.
type Autoscaler struct {
	Min                   int32   `json:"min" range:"0-1000" default:"1"`
	Max                   int32   `json:"max" range:"1-1000" default:"10"`
	RequestsPerSecond     float64 `json:"requestsPerSecond" doc:"target for one replica"`
	CPU                   float64 `json:"cpu" doc:"target in cores for one replica"`
	ScaleDownAfterSeconds float64 `json:"scaleDownAfterSeconds" doc:"how long load must be low before replicas are taken away"`
}

// Gateway serves the component over HTTP by an HTTPRoute.
type Gateway struct {
	Domain              string            `json:"domain" doc:"default: <app>.<project>.localhost"`
	HTTP                map[string]int32  `json:"http" need:"required" doc:"path to port"`
	Class               string            `json:"class" doc:"accepted and not used: the entry is Gateway hydra"`
	ClassInSpec         bool              `json:"classInSpec" doc:"accepted and not used"`
	SecretName          string            `json:"secretName" doc:"accepted and not used: the entry speaks plain HTTP"`
	GatewayHost         string            `json:"gatewayHost" doc:"accepted and not used"`
	Name                string            `json:"name" doc:"added to the route's name"`
	PathType            string            `json:"pathType" enum:"ImplementationSpecific,Prefix,Exact" default:"ImplementationSpecific"`
	Annotations         map[string]string `json:"annotations"`
	Labels              map[string]string `json:"labels"`
	ExistingServiceName string            `json:"existingServiceName" doc:"Service that serves instead of the component's own"`
}

// Expose makes a Service for the component.
type Expose struct {
	Port        []int32           `json:"port" range:"1-65535" doc:"short form of ports"`
	Ports       []ExposePort      `json:"ports"`
	Annotations map[string]string `json:"annotations"`
	MatchLabels map[string]string `json:"matchLabels" doc:"selects other pods than the component's"`
	Type        string            `json:"type" enum:"ClusterIP,NodePort,LoadBalancer,ExternalName" default:"ClusterIP"`
}

// ExposePort is one port of a Service.
type ExposePort struct {
	Port     int32  `json:"port" need:"required" range:"1-65535"`
	Name     string `json:"name" doc:"default: port-<port>"`
	Protocol string `json:"protocol" enum:"TCP,UDP,SCTP" default:"TCP"`
	NodePort int32  `json:"nodePort" range:"1-65535"`
}

// Env changes the environment of containers: its own fields are one patch, or
// containers lists several.
type Env struct {
	EnvPatch
	Containers []EnvPatch `json:"containers"`
}

// EnvPatch changes the environment of one container.
type EnvPatch struct {
	ContainerName string            `json:"containerName" doc:"default: the component's"`
	Replace       bool              `json:"replace" default:"false" doc:"drop what was there"`
	Env           map[string]string `json:"env"`
	Unset         []string          `json:"unset"`
}

// Resource sets requests and limits.
type Resource struct {
	CPU      Quantity   `json:"cpu" default:"1"`
	Memory   Quantity   `json:"memory" default:"2048Mi"`
	Requests *Resources `json:"requests"`
	Limits   *Resources `json:"limits"`
}

// Resources is an amount of each.
type Resources struct {
	CPU    Quantity `json:"cpu" default:"1"`
	Memory Quantity `json:"memory" default:"2048Mi"`
}

// Labels adds labels to the workload and its pods; null takes one away.
type Labels map[string]*string

// Annotations is [Labels] for annotations.
type Annotations map[string]*string
