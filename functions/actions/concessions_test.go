package actions

import (
	"testing"

	"ascend/shared/app/command"
	"ascend/shared/endpoint"
)

func TestATotalThatNobodyCountedIsALowerBoundForLine1Only(t *testing.T) {
	page := endpoint.Paged[Listed]{AtLeast: 10_000, Pagination: endpoint.Pagination{HasMore: true}}
	if o := listObjectFor(command.Client{UserAgent: "AscendSDK-Python/1.0.0"}, page); o == nil || o.Total != 10_000 || !o.HasMore {
		t.Errorf("line 1.x gets %+v", o)
	}
	if o := listObjectFor(command.Client{UserAgent: "ascend-sdk/2.7.1 Python"}, page); o != nil {
		t.Errorf("line 2.x gets %+v", o)
	}
}
