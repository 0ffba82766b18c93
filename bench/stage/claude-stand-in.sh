#!/bin/sh
# Stands for `claude` where ten thousand sessions are opened to look at the service alone: it speaks as much of the
# protocol as one turn needs, repeats the token of the question, keeps a transcript, and costs 2 ms instead of 400.
id=${*##*--session-id=}
id=${id%% *}
mkdir -p "$CLAUDE_CONFIG_DIR/projects/stand-in"
while IFS= read -r line; do
  case $line in
  *'"type":"control_request"'*)
    request=${line#*\"request_id\":\"}
    printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{}}}\n' "${request%%\"*}"
    ;;
  *'"type":"user"'*)
    uuid=${line#*\"uuid\":\"}
    uuid=${uuid%%\"*}
    token=token$(printf %s "${line##*token}" | cut -c 1-32)
    printf '%s\n' "$line" >>"$CLAUDE_CONFIG_DIR/projects/stand-in/$id.jsonl"
    printf '{"type":"command_lifecycle","command_uuid":"%s","state":"started","session_id":"%s"}\n' "$uuid" "$id"
    printf '{"type":"system","subtype":"init","session_id":"%s","tools":[],"mcp_servers":[],"model":"stand-in"}\n' "$id"
    printf '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"%s"}]},"parent_tool_use_id":null,"session_id":"%s"}\n' "$token" "$id"
    printf '{"type":"result","subtype":"success","is_error":false,"result":"%s","total_cost_usd":0,"usage":{"input_tokens":1,"output_tokens":1,"cache_read_input_tokens":0,"cache_creation_input_tokens":0},"num_turns":1,"user_message_uuid":"%s","session_id":"%s"}\n' "$token" "$uuid" "$id"
    ;;
  esac
done
