// Holds CloudFormation templates against the schemas of their resources and
// AWS's own rules. Notes (INFO) are left out: they would have Fn::Join written
// as Fn::Sub, and say which properties replace their resource.
//
//   node lint.mjs TEMPLATE…
import { CelEngine, TemplateFile } from "@aws/cloudformation-validate";

const engine = new CelEngine();
let failed = process.argv.length < 3;
for (const name of process.argv.slice(2)) {
  const { diagnostics } = engine.validateStandard(new TemplateFile(name), { severityLevel: "WARN", strict: true });
  for (const d of diagnostics) {
    console.error(`${name}: ${d.ruleId} ${d.entity?.logicalId ?? ""}: ${d.message}`);
    failed = true;
  }
  console.log(`${name}: ${diagnostics.length} findings`);
}
engine.free();
process.exitCode = failed ? 1 : 0;
