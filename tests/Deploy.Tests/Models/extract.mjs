// Writes kubernetes.json: the fields, types and required fields of the Kubernetes objects in deploy/k8s, and of all that they hold.
// The source is the package @kubernetes/client-node, whose models are made from Kubernetes' own OpenAPI document (Apache License 2.0).
//
//   npm pack @kubernetes/client-node@2.0.1 && tar xzf kubernetes-client-node-2.0.1.tgz && node extract.mjs package > kubernetes.json
import { readFileSync } from 'node:fs';

const folder = `${process.argv[2]}/dist/gen/models`;
const roots = [
  'V1ConfigMap', 'V1Deployment', 'V1Ingress', 'V1Namespace', 'V1NetworkPolicy', 'V1PersistentVolumeClaim', 'V1PodDisruptionBudget',
  'V1Secret', 'V1Service', 'V1ServiceAccount', 'V2HorizontalPodAutoscaler',
];
const types = {};
let release = '';

function read(type) {
  if (types[type]) return;
  const declaration = readFileSync(`${folder}/${type}.d.ts`, 'utf8');
  release = declaration.match(/OpenAPI spec version: (\S+)/)[1];
  const fields = types[type] = {};
  const table = readFileSync(`${folder}/${type}.js`, 'utf8').match(/attributeTypeMap = (\[[\s\S]*?\n\]);/);
  for (const { name, baseName, type: of } of table ? JSON.parse(table[1]) : []) {
    const required = new RegExp(`'${name}': `).test(declaration);
    fields[baseName] = of + (required ? ' required' : '');
    for (const held of of.match(/V\d\w+|\b[A-Z]\w+V\d\w*/g) ?? []) read(held);
  }
}

roots.forEach(read);
const sorted = Object.fromEntries(Object.keys(types).sort().map(type => [type, types[type]]));
console.log(JSON.stringify({ source: '@kubernetes/client-node 2.0.1, Apache License 2.0', release, types: sorted }, null, 1));
