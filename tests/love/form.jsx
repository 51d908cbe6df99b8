// The form of a script's configuration as LOVE makes it: of its schema, and with YAML as its outcome.
import Form from "@rjsf/core";
import validator from "@rjsf/validator-ajv8";
import { dump } from "js-yaml";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const Text = ({ id, value, onChange }) => (
  <input id={id} value={value ?? ""} onChange={({ target }) => onChange(target.value)} />
);

// What is ticked is written under the box's label, not by the form: LOVE does so.
const checkBox = (write) =>
  function CheckBox({ id, label, schema, value }) {
    return (
      <>
        <span className="control-label">{label}</span>
        <p className="field-description">{schema.description}</p>
        <input id={id} type="checkbox" checked={Boolean(value)} onChange={() => write(label, !value)} />
      </>
    );
  };

function Configuration({ schema, given }) {
  const [data, setData] = useState(given);
  const [widgets] = useState({
    TextWidget: Text,
    CheckboxWidget: checkBox((name, value) => setData((before) => ({ ...before, [name]: value }))),
  });
  const changed = ({ formData, errors }) => {
    setData(formData);
    window.yaml = dump(formData, { flowLevel: 2 });
    window.errors = errors.map(({ stack }) => stack);
  };
  return (
    <Form schema={schema} formData={data} validator={validator} widgets={widgets} onChange={changed} liveValidate showErrorList={false}>
      {true}
    </Form>
  );
}

window.showForm = (schema, given) =>
  createRoot(document.getElementById("form")).render(<Configuration schema={schema} given={given} />);
