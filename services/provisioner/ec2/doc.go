// SPDX-License-Identifier: Apache-2.0

// Package ec2 looks up what a cluster has in AWS. It only reads: EC2, Auto
// Scaling, IAM, S3, Route 53 and STS, page by page, with retries that slow
// down when AWS asks for it. Resources are found by Hydra's tags, those that
// have none through the ones that they belong to.
package ec2
