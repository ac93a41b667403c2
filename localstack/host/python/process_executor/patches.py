"""Repairs of LocalStack 4.14.0: `cdk deploy` of a changed API document works, and deployments and event sources are quick."""
import inspect
import json


def apply():
    repair_cloudformation()
    quicken_polling()


def expect(function, *parameters):
    """Ends the start when a function that is about to be replaced is not the known one."""
    found = tuple(inspect.signature(function).parameters)
    if found != parameters:
        raise RuntimeError(f"LocalStack changed: {function.__qualname__}{found} was {parameters}")


def repair_cloudformation():
    from localstack.services.apigateway.resource_providers import (
        aws_apigateway_deployment as dep,
        aws_apigateway_restapi as rest,
        aws_apigateway_stage as stage,
    )
    from localstack.services.cloudformation import resource_provider as rp

    # 1. a Lambda function is polled once a second until active: 50 functions, 55 s. Poll every 50 ms instead.
    loop = rp.ResourceProviderExecutor.deploy_loop
    if loop.__defaults__[-1] != 1:
        raise RuntimeError(f"LocalStack changed: the defaults of deploy_loop are {loop.__defaults__}")
    loop.__defaults__ = loop.__defaults__[:-1] + (0.05,)

    # 2. a create-only property that refers to a resource being *updated* counts as changed, so its owner is "replaced":
    #    Stage (RestApiId) is created a second time, fails, and the rollback deletes the first. Compare the values instead.
    from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor as Engine

    change = Engine._execute_resource_change
    expect(change, "self", "name", "before", "after")

    def execute_resource_change(self, name, before, after):
        if getattr(after, "requires_replacement", False) and getattr(before, "resource_type", None) == after.resource_type:
            provider = rp.ResourceProviderExecutor.try_load_resource_provider(after.resource_type)
            only = [p.removeprefix("/properties/") for p in provider.SCHEMA.get("createOnlyProperties", [])]
            old, new = before.properties.properties, after.properties.properties
            if all(old.get(p) == new.get(p) for p in only):
                after.requires_replacement = False
        return change(self, name, before, after)

    Engine._execute_resource_change = execute_resource_change

    def ok(request, model):
        return rp.ProgressEvent(status=rp.OperationStatus.SUCCESS, resource_model=model, custom_context=request.custom_context)

    def gateway_responses(api, rest_id, body):
        """x-amazon-apigateway-gateway-responses are ignored by the import."""
        body = json.loads(body) if isinstance(body, str) else body or {}
        for kind, r in body.get("x-amazon-apigateway-gateway-responses", {}).items():
            k = {"restApiId": rest_id, "responseType": kind}
            if "statusCode" in r:
                k["statusCode"] = str(r["statusCode"])
            for n in ("responseParameters", "responseTemplates"):
                if n in r:
                    k[n] = r[n]
            api.put_gateway_response(**k)

    # 3. RestApi, Deployment, Stage: update; gateway responses on create
    create = rest.ApiGatewayRestApiProvider.create
    for provider in (rest.ApiGatewayRestApiProvider, stage.ApiGatewayStageProvider, dep.ApiGatewayDeploymentProvider):
        expect(provider.create, "self", "request")
        expect(provider.update, "self", "request")

    def rest_create(self, request):
        event = create(self, request)
        if event.status == rp.OperationStatus.SUCCESS:
            m = event.resource_model
            gateway_responses(request.aws_client_factory.apigateway, m["RestApiId"], m.get("Body"))
        return event

    def rest_update(self, request):
        model, old = request.desired_state, request.previous_state or {}
        api = request.aws_client_factory.apigateway
        model["RestApiId"] = rest_id = model.get("RestApiId") or old["RestApiId"]
        body = model.get("Body")
        if body:
            params = dict(model.get("Parameters") or {})
            params.setdefault("basepath", "ignore")
            text = json.dumps(body) if isinstance(body, dict) else body
            api.put_rest_api(restApiId=rest_id, mode="overwrite", body=text.encode(), parameters=params)
            gateway_responses(api, rest_id, body)
        model["RootResourceId"] = old.get("RootResourceId")
        for res in api.get_resources(restApiId=rest_id, limit=500)["items"]:
            if res["path"] == "/":
                model["RootResourceId"] = res["id"]
        return ok(request, model)

    def stage_update(self, request):
        model = request.desired_state
        api = request.aws_client_factory.apigateway
        api.update_stage(restApiId=model["RestApiId"], stageName=model["StageName"],
                         patchOperations=[{"op": "replace", "path": "/deploymentId", "value": model["DeploymentId"]}])
        return ok(request, model)

    def dep_update(self, request):
        return ok(request, {**(request.previous_state or {}), **request.desired_state})

    rest.ApiGatewayRestApiProvider.create = rest_create
    rest.ApiGatewayRestApiProvider.update = rest_update
    stage.ApiGatewayStageProvider.update = stage_update
    dep.ApiGatewayDeploymentProvider.update = dep_update


def quicken_polling():
    """An idle event source is polled after 1, 2, .. 10 s; poll it after 0.05 .. 0.3 s."""
    from localstack.services.lambda_.event_source_mapping import esm_worker

    backoff = esm_worker.ExponentialBackoff
    if not {"initial_interval", "max_interval"} <= set(inspect.signature(backoff).parameters):
        raise RuntimeError("LocalStack changed: ExponentialBackoff")

    def quick(initial_interval, max_interval):
        if initial_interval == 1:  # the one for empty polls
            initial_interval, max_interval = 0.05, 0.3
        return backoff(initial_interval=initial_interval, max_interval=max_interval)

    esm_worker.ExponentialBackoff = quick
