// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	renewBefore   = 60 * 24 * time.Hour
)

// pair is a certificate with its key, as files and in memory.
type pair struct {
	certFile, keyFile string
	cert              *x509.Certificate
	key               *ecdsa.PrivateKey
	certPEM, keyPEM   []byte
}

// leaf describes a certificate to be issued.
type leaf struct {
	name   string   // of the files
	user   string   // common name, the user in Kubernetes
	groups []string // organizations, the groups in Kubernetes
	dns    []string // names and addresses make it a serving certificate as well
	ips    []net.IP
}

// authority loads the authority of that name from dir, or makes it.
func authority(dir, name string, now time.Time) (pair, error) {
	p, err := loadPair(dir, name)
	if err == nil && now.Before(p.cert.NotAfter.Add(-renewBefore)) {
		return p, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pair{}, err
	}
	return newPair(dir, name, pair{}, &x509.Certificate{
		Subject: pkix.Name{CommonName: "hydra " + name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	})
}

// issue returns the certificate that want describes, signed by ca: the one on
// disk while it fits and is not about to expire, else a new one.
func issue(dir string, ca pair, want leaf, now time.Time) (pair, error) {
	p, err := loadPair(dir, want.name)
	if err == nil && fits(p.cert, ca.cert, want) && now.Before(p.cert.NotAfter.Add(-renewBefore)) {
		return p, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pair{}, err
	}
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(want.dns)+len(want.ips) > 0 {
		usage = append(usage, x509.ExtKeyUsageServerAuth)
	}
	return newPair(dir, want.name, ca, &x509.Certificate{
		Subject: pkix.Name{CommonName: want.user, Organization: want.groups}, DNSNames: want.dns, IPAddresses: want.ips,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLife), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage,
	})
}

func fits(cert, ca *x509.Certificate, want leaf) bool {
	return cert.CheckSignatureFrom(ca) == nil && cert.Subject.CommonName == want.user &&
		slices.Equal(cert.Subject.Organization, want.groups) && slices.Equal(cert.DNSNames, want.dns) &&
		slices.EqualFunc(cert.IPAddresses, want.ips, net.IP.Equal)
}

// newPair makes a key and has it signed by ca, or by itself when ca is empty.
func newPair(dir, name string, ca pair, template *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make the key %s: %w", name, err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)); err != nil {
		return pair{}, fmt.Errorf("make the certificate %s: %w", name, err)
	}
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate %s: %w", name, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("encode the key %s: %w", name, err)
	}
	files := filesOf(dir, name)
	// The key first: a certificate on disk then always has its key.
	if err := writeFile(files.keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return pair{}, err
	}
	if err := writeFile(files.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return pair{}, err
	}
	return loadPair(dir, name)
}

func filesOf(dir, name string) pair {
	return pair{certFile: filepath.Join(dir, name+".crt"), keyFile: filepath.Join(dir, name+".key")}
}

func loadPair(dir, name string) (pair, error) {
	p := filesOf(dir, name)
	var err error
	if p.certPEM, err = os.ReadFile(p.certFile); err != nil {
		return pair{}, fmt.Errorf("read certificate: %w", err)
	}
	if p.keyPEM, err = os.ReadFile(p.keyFile); err != nil {
		return pair{}, fmt.Errorf("read key: %w", err)
	}
	both, err := tls.X509KeyPair(p.certPEM, p.keyPEM)
	if err != nil {
		// Written by halves when the machine died between the two files.
		return pair{}, fmt.Errorf("certificate %s does not belong to its key (%w): %w", p.certFile, err, fs.ErrNotExist)
	}
	key, ok := both.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return pair{}, fmt.Errorf("key %s is not an ECDSA key", p.keyFile)
	}
	p.cert, p.key = both.Leaf, key
	return p, nil
}
