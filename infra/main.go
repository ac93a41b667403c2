// Command infra describes how the system is deployed: a CDK app with one stack
// for each environment, ascend-<environment>. It needs neither network nor
// credentials.
//
//	CDK_OUTDIR=.build/cdk/prod ENV=prod go run ./infra
//
// ENV chooses the environment, all of them when it is empty; FUNCTIONS is the
// folder of the zips that command pack makes (.build/functions). With
// CDK_VALIDATION=false in its environment CDK leaves out its own validation,
// which takes most of the time and is what the linter in folder lint does too.
package main

import (
	"cmp"
	"fmt"
	"log"
	"os"
	"runtime"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	log.SetFlags(0)
	err := synthesize(os.Getenv("CDK_OUTDIR"), os.Getenv("ENV"), cmp.Or(os.Getenv("FUNCTIONS"), ".build/functions"))
	jsii.Close()
	if err != nil {
		log.Fatal("infra: ", err)
	}
}

// synthesize writes the stack of one environment, or of all when name is "".
// An empty out leaves the choice to CDK.
func synthesize(out, name, zips string) error {
	app := newApp(out)
	found := false
	for _, env := range Environments(runtime.GOARCH) {
		if name != "" && name != env.Name {
			continue
		}
		found = true
		if err := newStack(app, env, zips); err != nil {
			return fmt.Errorf("environment %s: %w", env.Name, err)
		}
	}
	if !found {
		return fmt.Errorf("there is no environment %q", name)
	}
	app.Synth(nil)
	return nil
}

// newApp makes an app that refers to the zips where they lie: copying them for
// every environment would cost most of the time and 100 MB each.
func newApp(out string) awscdk.App {
	props := awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
		Context:            &map[string]any{"aws:cdk:disable-asset-staging": true},
	}
	if out != "" {
		props.Outdir = &out
	}
	return awscdk.NewApp(&props)
}
