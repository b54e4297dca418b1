// SPDX-License-Identifier: Apache-2.0

// Package health judges the objects of one revision: healthy, not yet, or
// never.
//
// It is a pure function of what was read from the cluster. A workload is
// healthy when
//
//	Deployment   its newest template is observed; all wanted replicas are of it and
//	             available, and no older one is left
//	StatefulSet  as a Deployment, by its current and ready replicas
//	DaemonSet    every node that it is for has an available pod of it
//	Job          it is complete
//	CronJob      it exists
//
// and a component with none of these as soon as it was applied. What is wrong
// comes with the reason that the pod itself gives and with how long it may
// last until it counts as final:
//
//	reason                                            final after
//	InvalidImageName, ErrImageNeverPull, Job failed   at once
//	image not there, access to it refused             at once
//	CrashLoopBackOff from the third restart on        at once
//	registry not reached                              30 s
//	missing Secret or ConfigMap, pod refused (quota,  15 s
//	  pod security), container cannot be started
//	readiness probe, no node with room, volume        the revision's deadline
package health
