// SPDX-License-Identifier: Apache-2.0

package oam

// Container is what components that run a container have in common.
type Container struct {
	Image            string            `json:"image" doc:"image to run; left out: the one that Hydra built"`
	ImagePullPolicy  string            `json:"imagePullPolicy" enum:"Always,Never,IfNotPresent"`
	ImagePullSecrets []string          `json:"imagePullSecrets"`
	Labels           map[string]string `json:"labels"`
	Annotations      map[string]string `json:"annotations"`
	Cmd              []string          `json:"cmd" doc:"replaces the image's entry point"`
	Args             []string          `json:"args"`
	Env              []EnvVar          `json:"env"`
	CPU              Quantity          `json:"cpu" doc:"request and limit"`
	Memory           Quantity          `json:"memory" doc:"request and limit"`
	VolumeMounts     *VolumeMounts     `json:"volumeMounts"`
	Volumes          []Volume          `json:"volumes" doc:"older form of volumeMounts, which wins"`
	LivenessProbe    *Probe            `json:"livenessProbe"`
	ReadinessProbe   *Probe            `json:"readinessProbe"`
}

// Webservice is a Deployment that serves, with a Service for what it exposes.
type Webservice struct {
	Container
	Limit            *Limit      `json:"limit" doc:"limits where they differ from cpu and memory"`
	Port             int32       `json:"port" range:"1-65535" doc:"older form of ports, which wins"`
	Ports            []Port      `json:"ports"`
	ExposeType       string      `json:"exposeType" enum:"ClusterIP,NodePort,LoadBalancer" default:"ClusterIP"`
	AddRevisionLabel bool        `json:"addRevisionLabel" default:"false"`
	HostAliases      []HostAlias `json:"hostAliases"`
}

// Worker is a Deployment that serves nobody.
type Worker struct {
	Container
}

// Task is a Job that runs to its end in each revision.
type Task struct {
	Container
	Count   int32  `json:"count" range:"1-1000" default:"1" doc:"runs at the same time"`
	Restart string `json:"restart" enum:"Never,OnFailure" default:"Never"`
}

// Objects is any objects of the project's namespace.
type Objects struct {
	Objects []map[string]any `json:"objects" need:"required" doc:"Kubernetes objects"`
}

// Limit sets limits apart from requests.
type Limit struct {
	CPU    Quantity `json:"cpu"`
	Memory Quantity `json:"memory"`
}

// Port is a port of a webservice.
type Port struct {
	Port          int32  `json:"port" need:"required" range:"1-65535"`
	ContainerPort int32  `json:"containerPort" range:"1-65535" doc:"default: port"`
	Name          string `json:"name" doc:"default: port-<containerPort>"`
	Protocol      string `json:"protocol" enum:"TCP,UDP,SCTP" default:"TCP"`
	Expose        bool   `json:"expose" default:"false" doc:"part of the Service"`
	NodePort      int32  `json:"nodePort" range:"1-65535"`
}

// EnvVar is one environment variable.
type EnvVar struct {
	Name      string     `json:"name" need:"required"`
	Value     *string    `json:"value"`
	ValueFrom *ValueFrom `json:"valueFrom"`
}

// ValueFrom takes a value from a Secret or a ConfigMap.
type ValueFrom struct {
	SecretKeyRef    *KeyRef `json:"secretKeyRef"`
	ConfigMapKeyRef *KeyRef `json:"configMapKeyRef"`
}

// KeyRef names a key of a Secret or a ConfigMap.
type KeyRef struct {
	Name string `json:"name" need:"required"`
	Key  string `json:"key" need:"required"`
}

// VolumeMounts mounts volumes by their kind.
type VolumeMounts struct {
	PVC       []PVCMount       `json:"pvc"`
	ConfigMap []ConfigMapMount `json:"configMap"`
	Secret    []SecretMount    `json:"secret"`
	EmptyDir  []EmptyDirMount  `json:"emptyDir"`
	HostPath  []HostPathMount  `json:"hostPath"`
}

// Mount is what all mounts have in common.
type Mount struct {
	Name      string `json:"name" need:"required"`
	MountPath string `json:"mountPath" need:"required"`
	SubPath   string `json:"subPath"`
}

// PVCMount mounts a PersistentVolumeClaim.
type PVCMount struct {
	Mount
	ClaimName string `json:"claimName" need:"required"`
}

// ConfigMapMount mounts a ConfigMap.
type ConfigMapMount struct {
	Mount
	ConfigMapName string `json:"cmName" need:"required"`
	DefaultMode   int32  `json:"defaultMode" range:"0-511" default:"420"`
	Items         []Item `json:"items"`
}

// SecretMount mounts a Secret.
type SecretMount struct {
	Mount
	SecretName  string `json:"secretName" need:"required"`
	DefaultMode int32  `json:"defaultMode" range:"0-511" default:"420"`
	Items       []Item `json:"items"`
}

// EmptyDirMount mounts a directory that lives as long as the pod.
type EmptyDirMount struct {
	Mount
	Medium string `json:"medium" enum:",Memory"`
}

// HostPathMount mounts a directory of the node, where the cluster lets it.
type HostPathMount struct {
	Mount
	Path string `json:"path" need:"required"`
}

// Item picks one key of a Secret or a ConfigMap.
type Item struct {
	Key  string `json:"key" need:"required"`
	Path string `json:"path" need:"required"`
	Mode int32  `json:"mode" range:"0-511" default:"511"`
}

// Volume is the older form of a mount.
type Volume struct {
	Name          string `json:"name" need:"required"`
	MountPath     string `json:"mountPath" need:"required"`
	Type          string `json:"type" enum:"emptyDir,pvc,configMap,secret" default:"emptyDir"`
	ClaimName     string `json:"claimName" doc:"for pvc"`
	ConfigMapName string `json:"cmName" doc:"for configMap"`
	SecretName    string `json:"secretName" doc:"for secret"`
	DefaultMode   int32  `json:"defaultMode" range:"0-511" default:"420"`
	Items         []Item `json:"items"`
	Medium        string `json:"medium" enum:",Memory" doc:"for emptyDir"`
}

// Probe asks a container how it is, in one of three ways.
type Probe struct {
	Exec                *ExecProbe `json:"exec"`
	HTTPGet             *HTTPProbe `json:"httpGet"`
	TCPSocket           *TCPProbe  `json:"tcpSocket"`
	InitialDelaySeconds int32      `json:"initialDelaySeconds" default:"0"`
	PeriodSeconds       int32      `json:"periodSeconds" range:"1-86400" default:"10"`
	TimeoutSeconds      int32      `json:"timeoutSeconds" range:"1-86400" default:"1"`
	SuccessThreshold    int32      `json:"successThreshold" range:"1-1000" default:"1"`
	FailureThreshold    int32      `json:"failureThreshold" range:"1-1000" default:"3"`
}

// ExecProbe runs a command in the container.
type ExecProbe struct {
	Command []string `json:"command" need:"required"`
}

// HTTPProbe sends a GET request.
type HTTPProbe struct {
	Path        string       `json:"path" need:"required"`
	Port        int32        `json:"port" need:"required" range:"1-65535"`
	Host        string       `json:"host"`
	Scheme      string       `json:"scheme" enum:"HTTP,HTTPS" default:"HTTP"`
	HTTPHeaders []HTTPHeader `json:"httpHeaders"`
}

// HTTPHeader is a header of a probe.
type HTTPHeader struct {
	Name  string `json:"name" need:"required"`
	Value string `json:"value" need:"required"`
}

// TCPProbe opens a connection.
type TCPProbe struct {
	Port int32 `json:"port" need:"required" range:"1-65535"`
}

// HostAlias adds names to the pod's hosts file.
type HostAlias struct {
	IP        string   `json:"ip" need:"required"`
	Hostnames []string `json:"hostnames" need:"required"`
}
